use biller_core::{Secret, signing};
use biller_v2::auth;
use serde_json::Value;

/// Members in order, as the client writes them: without white space.
fn minified(source: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::new(), false, false);
    for letter in source.chars() {
        if in_string || !letter.is_whitespace() {
            out.push(letter);
        }
        if letter == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = in_string && !escaped && letter == '\\';
    }
    out
}

#[test]
fn every_vector_passes() {
    let file: Value = serde_json::from_str(include_str!("../fixtures/biller-v2/signatures.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 9);
    let mut sent = 0;
    for vector in vectors {
        let name = &vector["name"];
        let input = |field: &str| vector["input"][field].as_str().unwrap();
        let expected = |field: &str| vector["expected"][field].as_str().unwrap();
        let secret = Secret::new(input("api_secret"));
        let payload = minified(input("payload_source"));
        assert_eq!(payload, expected("payload_minified"), "{name}");
        assert_eq!(signing::base64url(input("header_json").as_bytes()), expected("header_segment"), "{name}");
        assert_eq!(signing::base64url(payload.as_bytes()), expected("payload_segment"), "{name}");
        let mac = signing::hmac_sha256(&secret, expected("signing_input").as_bytes());
        assert_eq!(signing::hex(&mac), expected("hmac_sha256_hex"), "{name}");
        // Two of them are what a verifier accepts and a client never sends.
        let token = auth::token(payload.as_bytes(), &secret);
        let ours = vector.get("note").is_none();
        assert_eq!(token.expose() == expected("token"), ours, "{name}");
        sent += usize::from(ours);
    }
    assert_eq!(sent, 7);
}

/// The requests of the document, from the client's own values, have the payloads and tokens of the vectors.
#[test]
fn requests_carry_the_vectors() {
    use biller_core::{Operation, Timestamp};
    use biller_v2::{Config, auth::Signer};
    let signer = Signer::new(Config::new("https://host.test", "partner-id", "test-api-secret").unwrap());
    let now = Timestamp::from_unix_millis(0);
    let file: Value = serde_json::from_str(include_str!("../fixtures/biller-v2/signatures.json")).unwrap();
    let request = biller_v2::InquiryRequest::new("product-code", "081111111111").unwrap();
    let open = biller_v2::operations::Inquire {
        request: request.with_amount(biller_core::Rupiah::new(101_500)).unwrap(),
        ..crate::inquire("x")
    };
    let mut with_url = crate::pay();
    with_url.purchase = with_url.purchase.with_callback_urls(["https://example.com/callback"]).unwrap();
    let language = biller_v2::Language::English;
    let requests = [
        crate::inquire("123223345").request(&signer, now),
        crate::pay().request(&signer, now),
        with_url.request(&signer, now),
        crate::ask_status().request(&signer, now),
        biller_v2::operations::AskBalance { language }.request(&signer, now),
        open.request(&signer, now),
    ];
    for (request, vector) in requests.into_iter().zip(file["vectors"].as_array().unwrap()) {
        let request = request.unwrap();
        let expected = |field: &str| vector["expected"][field].as_str().unwrap();
        assert_eq!(std::str::from_utf8(request.body()).unwrap(), expected("payload_minified"));
        assert_eq!(request.headers()["token"].to_str().unwrap(), expected("token"));
    }
}

/// A library that knows nothing of this crate reads the tokens: signature, algorithm, and claims equal to the body.
#[tokio::test]
async fn an_independent_library_reads_every_token() {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
    let bench = crate::Bench::new();
    let (mut attempt, _) = bench.buy(crate::bill("JWT-1", "123223342")).await;
    bench.resolve(&mut attempt).await;
    bench.biller.client().balance().await.unwrap();
    bench.biller.client().product_list().await.unwrap();
    let mut validation = Validation::new(Algorithm::HS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    let secret = crate::credential("api_secret");
    let sent = bench.tape.sent();
    assert_eq!(sent.len(), 5);
    for request in sent {
        let token = request.headers()["token"].to_str().unwrap();
        let header = decode_header(token).unwrap();
        assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::HS256, Some("JWT")));
        let claims = decode::<Value>(token, &DecodingKey::from_secret(secret.as_bytes()), &validation).unwrap().claims;
        assert_eq!(claims, serde_json::from_slice::<Value>(request.body()).unwrap());
        assert!(decode::<Value>(token, &DecodingKey::from_secret(b"another"), &validation).is_err());
    }
}
