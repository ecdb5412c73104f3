use biller_core::Verdict;
use mmbc_pulsa::codes::{Call, Reason, TABLE, WORDS, status_verdict, verdict};

#[test]
fn the_whole_table() {
    let mut text = String::new();
    for row in TABLE {
        text.push_str(&format!(
            "{:2} {:?}: {}\n  top-up: {}\n  guarded re-send: {}\n  status: {}\n  {}\n",
            row.code, row.reason, row.meaning, row.top_up, row.resend, row.status, row.source
        ));
    }
    for (word, top_up, status) in WORDS {
        text.push_str(&format!("status {word:?}: top-up {top_up}; status {status}\n"));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_documented_code_has_a_row_and_a_type() {
    let codes = ["00", "11", "12", "21", "31", "41", "51", "61", "62", "71", "81", "82", "91"];
    for code in codes {
        let reason = Reason::from_code(code).unwrap();
        assert_eq!(reason.code(), code);
        assert!(!reason.to_string().is_empty());
    }
    let listed: Vec<_> = TABLE.iter().map(|row| row.code).filter(|code| !code.is_empty()).collect();
    assert_eq!(listed, codes);
}

#[test]
fn nothing_that_is_not_listed_means_failed() {
    for number in 0..1000 {
        for code in [format!("{number:02}"), number.to_string()] {
            if Reason::from_code(&code).is_none() {
                for call in [Call::PriceList, Call::TopUp, Call::Resend, Call::Status] {
                    assert_eq!(verdict(Some(&code), Some("invalid login"), call), Verdict::UNLISTED, "{code}");
                }
            }
        }
    }
    for call in [Call::TopUp, Call::Resend] {
        assert_eq!(verdict(None, None, call), Verdict::UNPROVEN);
        assert_eq!(verdict(None, Some("saldo tidak cukup"), call), Verdict::UNPROVEN);
    }
    for row in TABLE {
        for call in [Call::Resend, Call::Status] {
            let words = Some(row.meaning);
            let verdict = verdict(Some(row.code).filter(|code| !code.is_empty()), words, call);
            assert!(!matches!(verdict, Verdict::Failed(_)), "{row:?}: {verdict}");
        }
    }
}

#[test]
fn a_refused_login_is_known_by_its_words() {
    for words in ["invalid login", " Invalid LOGIN "] {
        assert_eq!(verdict(None, Some(words), Call::TopUp), Verdict::REFUSED);
        assert_eq!(verdict(None, Some(words), Call::Resend), Verdict::UNPROVEN);
    }
}

#[test]
fn status_words_compare_trimmed_and_without_case() {
    for word in ["sukses", " Sukses ", "SUKSES"] {
        assert_eq!(status_verdict(Some(word), Call::TopUp), Verdict::Succeeded);
    }
    assert_eq!(status_verdict(Some("GAGAL"), Call::Status), Verdict::REFUSED);
    assert_eq!(status_verdict(Some("gagal"), Call::TopUp), Verdict::UNPROVEN);
    for word in ["success", "refund", "gagal sukses", "51"] {
        for call in [Call::TopUp, Call::Status] {
            assert_eq!(status_verdict(Some(word), call), Verdict::UNLISTED, "{word}");
        }
    }
    assert_eq!(status_verdict(None, Call::Status), Verdict::UNPROVEN);
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in ".{0,40}") {
        let _ = (verdict(Some(&text), None, Call::TopUp), verdict(None, Some(&text), Call::Status));
        let _ = (status_verdict(Some(&text), Call::Status), Reason::from_code(&text));
    }
}
