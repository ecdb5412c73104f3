use biller_core::Verdict;
use biller_v2::codes::{Call, RANGES, TABLE, is_usable_list, verdict};

#[test]
fn the_whole_table() {
    let mut text = String::new();
    for row in TABLE.iter().chain(RANGES) {
        let codes = if row.from == row.to { row.from.to_string() } else { format!("{}-{}", row.from, row.to) };
        text.push_str(&format!("{codes} {} ({})\n", row.meaning, row.source));
        for call in Call::ALL {
            text.push_str(&format!("  {call:?}: {}\n", row.verdict(call)));
        }
    }
    text.push_str(&format!("anything else\n  every call: {}\n", Verdict::UNLISTED));
    insta::assert_snapshot!(text);
}

/// Every code from 0 to 1000 in one letter per call, in runs: S succeeded, P pending, F failed, U unknown.
#[test]
fn every_code_in_every_call() {
    let letter = |verdict| match verdict {
        Verdict::Succeeded => 'S',
        Verdict::Pending => 'P',
        Verdict::Failed(_) => 'F',
        Verdict::Unknown(_) => 'U',
    };
    let letters = |code| Call::ALL.map(|call| letter(verdict(code, call))).iter().collect::<String>();
    let (mut text, mut from) = (String::new(), 0);
    for code in 0..=1000 {
        if code == 1000 || letters(code + 1) != letters(from) {
            let codes = if from == code { from.to_string() } else { format!("{from}-{code}") };
            text.push_str(&format!("{codes}: {}\n", letters(from)));
            from = code + 1;
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn rows_are_in_order_and_each_code_has_one() {
    assert!(TABLE.windows(2).all(|pair| pair[0].to < pair[1].from));
    assert!(TABLE.iter().all(|row| row.from == row.to));
    assert!(RANGES.windows(2).all(|pair| pair[0].to < pair[1].from));
}

/// Only codes that a row or the status column of a range names are failures.
#[test]
fn nothing_that_is_not_listed_means_failed_on_a_payment() {
    for code in (0..=100_000).chain([u64::MAX]) {
        if !TABLE.iter().any(|row| row.from == code) {
            assert!(!matches!(verdict(code, Call::Payment), Verdict::Failed(_)), "{code}");
        }
    }
    for code in [400, 404, 500, 999, 1000, 2000, u64::MAX] {
        for call in Call::ALL {
            assert_eq!(verdict(code, call), Verdict::UNLISTED, "{code}");
        }
    }
}

#[test]
fn lists_need_a_good_code() {
    let usable: Vec<u64> = (0..=1000).filter(|code| is_usable_list(*code)).collect();
    assert_eq!(usable, (0..=99).chain([300]).collect::<Vec<u64>>());
}
