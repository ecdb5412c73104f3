use biller_core::Verdict;
use klikoo::codes::{Call, TABLE, WORDS, status_verdict, verdict};

#[test]
fn the_whole_table() {
    let mut text = String::new();
    for row in TABLE {
        text.push_str(&format!(
            "{}xx{:04} {}\n  inquiry: {}\n  buy: {}\n  detail, history: {}\n",
            row.http, row.case, row.meaning, row.inquiry, row.buy, row.status
        ));
    }
    for (word, verdict) in WORDS {
        text.push_str(&format!("status {word:?}: {verdict}\n"));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_service_plays_no_part_and_seven_digits_mean_success_only() {
    for service in ["00", "01", "02", "03", "04", "05", "06", "99"] {
        assert_eq!(verdict(&format!("404{service}7011"), Call::Buy), Verdict::REFUSED);
        assert_eq!(verdict(&format!("200{service}00"), Call::Buy), Verdict::Pending);
        assert_eq!(verdict(&format!("201{service}00"), Call::Status), Verdict::Succeeded);
        assert_eq!(verdict(&format!("404{service}11"), Call::Buy), Verdict::UNLISTED);
        assert_eq!(verdict(&format!("200{service}01"), Call::Buy), Verdict::UNLISTED);
    }
}

#[test]
fn nothing_that_is_not_listed_means_failed() {
    for http in 100..=599 {
        for case in [0, 1, 2000, 2001, 6500, 7011, 9998, 9999] {
            if !TABLE.iter().any(|row| (row.http, row.case) == (http, case)) {
                for call in [Call::Inquiry, Call::Buy, Call::Status] {
                    assert_eq!(verdict(&format!("{http}02{case:04}"), call), Verdict::UNLISTED);
                }
            }
        }
    }
    for code in ["", "00", "abc", "20002200", "2000220001", "20002200x", "２００", "-20022000", "200 22000"] {
        assert_eq!(verdict(code, Call::Buy), Verdict::UNLISTED, "{code}");
    }
}

#[test]
fn status_words_compare_without_case_blanks_and_marks() {
    for word in ["success", " Success ", "SUC-CESS", "suc_cess"] {
        assert_eq!(status_verdict(Some(word)), Verdict::Succeeded, "{word}");
    }
    for word in ["IN PROGRESS", "in_progress", "In-Progress", " ", ""] {
        assert_eq!(status_verdict(Some(word)), Verdict::Pending, "{word}");
    }
    assert_eq!(status_verdict(None), Verdict::Pending);
    assert_eq!(status_verdict(Some("Gagal")), Verdict::REFUSED);
    for word in ["REFUND", "CANCEL", "CANCELLED", "SUCCESS?", "OK", "TIMEOUT", "REVERSED"] {
        assert_eq!(status_verdict(Some(word)), Verdict::UNLISTED, "{word}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in ".{0,40}") {
        let _ = (verdict(&text, Call::Buy), verdict(&text, Call::Status), status_verdict(Some(&text)));
    }
}
