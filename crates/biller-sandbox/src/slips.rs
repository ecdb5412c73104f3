//! The usual slips in a signature, so that a refusal can say what differs.
//!
//! The string to sign has five places, joined by colons: method, path, token, hash of the body, timestamp.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::clock::{parse_rfc3339, rfc3339_wib};
use crate::crypto::{base64, hex, sha256};
use crate::json;

/// The places of the string to sign, in order.
const PARTS: [&str; 5] = ["method", "path", "token", "body", "timestamp"];
pub(crate) const METHOD: usize = 0;
pub(crate) const PATH: usize = 1;
pub(crate) const BODY: usize = 3;
pub(crate) const TIMESTAMP: usize = 4;

/// How far a timestamp may be away from the server's clock.
const MAX_SKEW: SignedDuration = SignedDuration::from_secs(300);
/// Larger bodies are not searched for slips.
const EXPLAINED: usize = 16 << 10;

/// One text that could stand in one place of the string to sign.
pub(crate) struct Form {
    pub label: String,
    pub text: String,
}

pub(crate) fn form(label: impl Into<String>, text: impl Into<String>) -> Form {
    Form { label: label.into(), text: text.into() }
}

/// Why a signature that fits nothing accepted was made, and in which part: with one slip, with another key, or with a guess among many
/// for one place and the usual form of everything else. `fits` tells whether a key and a string give the signature.
pub(crate) fn explain(
    accepted: &[Vec<Form>; 5],
    slips: &[Vec<Form>; 5],
    key: &[u8],
    other_keys: &[(&str, Vec<u8>)],
    guesses: &[(usize, Vec<Form>)],
    fits: &dyn Fn(&[u8], &str) -> bool,
) -> Option<(&'static str, String)> {
    let forms = accepted.each_ref().map(Vec::as_slice);
    for (place, slips) in slips.iter().enumerate() {
        let mut forms = forms;
        forms[place] = slips;
        if let Some(found) = find(forms, &|text| fits(key, text)) {
            return Some((PARTS[place], found[place].label.clone()));
        }
    }
    for (label, key) in other_keys {
        if find(forms, &|text| fits(key, text)).is_some() {
            return Some(("key", (*label).to_owned()));
        }
    }
    for (place, guesses) in guesses {
        let mut forms = forms.map(|forms| &forms[..1]);
        forms[*place] = guesses;
        if let Some(found) = find(forms, &|text| fits(key, text)) {
            return Some((PARTS[*place], found[*place].label.clone()));
        }
    }
    None
}

/// The first combination of forms, one for each place, whose string fits.
pub(crate) fn find<'f>(forms: [&'f [Form]; 5], fits: &dyn Fn(&str) -> bool) -> Option<[&'f Form; 5]> {
    let [methods, paths, tokens, bodies, timestamps] = forms;
    for method in methods {
        for path in paths {
            for token in tokens {
                for body in bodies {
                    for timestamp in timestamps {
                        let found = [method, path, token, body, timestamp];
                        if fits(&found.map(|form| form.text.as_str()).join(":")) {
                            return Some(found);
                        }
                    }
                }
            }
        }
    }
    None
}

/// What clients write in place of the method.
pub(crate) fn methods(method: &str) -> Vec<Form> {
    let mut title = method.to_ascii_lowercase();
    title.get_mut(..1).map(str::make_ascii_uppercase);
    let mut slips = vec![
        form("the method is in another case", title),
        form("the method is in another case", method.to_ascii_lowercase()),
        form("the method is empty", ""),
    ];
    for other in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        if !other.eq_ignore_ascii_case(method) {
            slips.push(form(format!("signed for method {other}"), other));
            slips.push(form(format!("signed for method {other}"), other.to_ascii_lowercase()));
        }
    }
    slips
}

/// What clients write in place of the token; `others` are tokens that a client may still hold.
pub(crate) fn tokens(token: &str, others: &[&str]) -> Vec<Form> {
    let mut slips = vec![form("the token is empty", "")];
    for word in ["Bearer ", "bearer ", "BEARER ", "Basic ", "basic "] {
        slips.push(form("the token holds its scheme word", format!("{word}{token}")));
    }
    let others = others.iter().take(50);
    slips.extend(others.map(|other| form("signed with another token than the one sent", *other)));
    slips
}

/// What clients write in place of the hash of one of these texts.
pub(crate) fn bodies(texts: &[(&'static str, String)]) -> Vec<Form> {
    let hash = |text: &str| hex(&sha256(text.as_bytes()));
    let mut slips = vec![
        form("the body is not hashed, or left out", ""),
        form("signed for an empty body", hash("")),
        form("signed for the body {}", hash("{}")),
        form("signed for the body null", hash("null")),
    ];
    for (label, text) in texts.iter().filter(|(_, text)| text.len() <= EXPLAINED) {
        let digest = sha256(text.as_bytes());
        slips.push(form(format!("the {label} is not hashed"), text));
        slips.push(form("the hash is in upper case", hex(&digest).to_ascii_uppercase()));
        slips.push(form("the hash is in base64", base64(&digest)));
        if !text.is_empty() {
            for indent in ["  ", "    ", "\t"] {
                let pretty = json::pretty(&json::compact(text), indent);
                slips.push(form("signed for the body in pretty print", hash(&pretty)));
                slips.push(form("signed for the body in pretty print", hash(&format!("{pretty}\n"))));
            }
            slips.push(form("signed for the body with a line end", hash(&format!("{text}\n"))));
        }
    }
    slips
}

/// The body with its members in every other order, where there are few enough.
pub(crate) fn member_orders(body: &[u8]) -> Vec<Form> {
    let body = std::str::from_utf8(body).ok().filter(|body| body.len() <= EXPLAINED);
    let members = body.and_then(json::members).unwrap_or_default();
    if !(2..=6).contains(&members.len()) {
        return Vec::new();
    }
    let mut members: Vec<String> =
        members.iter().map(|(name, value)| format!("{}:{}", json!(name), json::compact(value))).collect();
    let mut orders = Vec::new();
    permute(&mut members, 0, &mut |order: &[String]| {
        let text = format!("{{{}}}", order.join(","));
        orders.push(form("signed for the body in another member order", hex(&sha256(text.as_bytes()))));
    });
    orders
}

/// Whether a timestamp header is usable and near enough.
pub(crate) fn timely(text: &str, now: Timestamp) -> bool {
    parse_rfc3339(text).is_some_and(|at| now.duration_since(at).abs() <= MAX_SKEW)
}

/// What clients write in place of the header's time.
pub(crate) fn timestamps(timestamp: &str) -> Vec<Form> {
    let mut slips = vec![form("the timestamp is empty", "")];
    let Some(at) = parse_rfc3339(timestamp) else { return slips };
    let millis = rfc3339_wib(at);
    let seconds = millis.replacen(&millis[19..23], "", 1);
    let utc = format!("{at:.3}");
    let utc_seconds = format!("{}Z", &utc[..19]);
    slips.extend([
        form("the timestamp has no milliseconds", seconds),
        form("the timestamp has milliseconds", millis),
        form("the timestamp is in UTC", utc.replace('Z', "+00:00")),
        form("the timestamp is in UTC", utc_seconds.replace('Z', "+00:00")),
        form("the timestamp is in UTC", utc),
        form("the timestamp is in UTC", utc_seconds),
        form("the timestamp is a Unix time", at.as_second().to_string()),
        form("the timestamp is a Unix time", at.as_millisecond().to_string()),
    ]);
    slips.retain(|slip| slip.text != timestamp);
    slips
}

/// Times that a client may have read from its clock shortly before or after the one in the header.
pub(crate) fn nearby(timestamp: &str) -> Vec<Form> {
    let Some(at) = parse_rfc3339(timestamp) else { return Vec::new() };
    let millis = (-1000..=1000).map(SignedDuration::from_millis);
    let seconds = (-300..=300).map(SignedDuration::from_secs);
    let label = "signed for another time than the header's";
    millis
        .chain(seconds)
        .filter_map(|by| at.checked_add(by).ok())
        .flat_map(|at| {
            let millis = rfc3339_wib(at);
            let seconds = millis.replacen(&millis[19..23], "", 1);
            [form(label, millis), form(label, seconds)]
        })
        .collect()
}

/// The bytes of a signature in the encodings that clients confuse.
pub(crate) fn other_encodings(signature: &str) -> Vec<(&'static str, Vec<u8>)> {
    let hexadecimal = || {
        let digits: Option<Vec<u8>> = signature.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        digits
            .filter(|digits| digits.len() % 2 == 0)
            .map(|digits| digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
    };
    let candidates = [
        ("the signature is in hexadecimal in place of base64", hexadecimal()),
        ("the signature is in URL-safe base64", URL_SAFE.decode(signature).ok()),
        ("the signature is in URL-safe base64 without padding", URL_SAFE_NO_PAD.decode(signature).ok()),
        ("the signature is in base64 without padding", STANDARD_NO_PAD.decode(signature).ok()),
        ("the signature has blanks around it", STANDARD.decode(signature.trim()).ok()),
    ];
    candidates.into_iter().filter_map(|(label, bytes)| Some((label, bytes?))).collect()
}

/// Shows every order of `items` from `from` on.
fn permute(items: &mut Vec<String>, from: usize, show: &mut impl FnMut(&[String])) {
    if from + 1 >= items.len() {
        show(items);
        return;
    }
    for i in from..items.len() {
        items.swap(from, i);
        permute(items, from + 1, show);
        items.swap(from, i);
    }
}
