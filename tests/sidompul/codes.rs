use biller_core::Verdict;
use sidompul_client::codes::{
    Call, DESCRIPTIONS, GATEWAY, STATUS_REPORT, STATUS_WORDS, description_verdict, gateway_verdict, http_verdict,
    status_verdict,
};

/// Every row of every table, for each kind of call.
#[test]
fn the_whole_table() {
    let mut lines = Vec::new();
    for (rows, is_report) in [(GATEWAY, false), (STATUS_REPORT, true)] {
        for row in rows {
            for code in [*row.codes.start(), *row.codes.end()] {
                assert_eq!(gateway_verdict(code, is_report, Call::Read), row.read);
                assert_eq!(gateway_verdict(code, is_report, Call::Purchase), row.purchase);
            }
            let codes = format!("{}..={}", row.codes.start(), row.codes.end());
            lines.push(format!(
                "gateway {codes} {} | read {} | purchase {} | {}",
                row.meaning, row.read, row.purchase, row.source
            ));
        }
    }
    for status in [200, 302, 400, 401, 403, 404, 405, 406, 410, 418, 429, 500, 502, 503, 504] {
        lines.push(format!("http {status} | {}", http_verdict(status)));
    }
    lines.extend(DESCRIPTIONS.iter().map(|(words, verdict)| format!("description {words:?} | {verdict}")));
    lines.extend(STATUS_WORDS.iter().map(|(word, verdict)| format!("status {word:?} | {verdict}")));
    insta::assert_snapshot!(lines.join("\n"));
}

/// No code outside the tables means failed, and a status report's number means nothing elsewhere.
#[test]
fn nothing_unlisted_means_failed() {
    for code in (0..1_200_000).step_by(7).chain(900_750..901_000).chain(303_000..303_010) {
        let listed = GATEWAY.iter().any(|row| row.codes.contains(&code));
        assert_eq!(gateway_verdict(code, false, Call::Purchase) == Verdict::UNLISTED, !listed, "{code}");
    }
    for status in 100..600 {
        assert!(matches!(http_verdict(status), Verdict::Unknown(_)), "{status}");
    }
    assert_eq!(gateway_verdict(404, false, Call::Purchase), Verdict::UNLISTED);
}

/// Quirk: status words count in any letter case, with blanks and `_`.
#[test]
fn status_words_in_any_case() {
    for (words, verdict) in [
        (["success", "SUCCESS", "Success", "SUKSES", " Sukses ", "Berhasil"], Verdict::Succeeded),
        (["GAGAL", "gagal", "BUSINESSERROR", "BusinessError", "BUSINESS_ERROR", "Failed"], Verdict::REFUSED),
        (["PROSES", "In Progress", "IN_PROGRESS", "pending", "Diproses", "Processing"], Verdict::Pending),
        (["REFUND", "", "SUCCESSFUL?", "CANCEL", "TIMEOUT", "ok"], Verdict::UNLISTED),
    ] {
        for word in words {
            assert_eq!(status_verdict(word), verdict, "{word:?}");
        }
    }
}

#[test]
fn descriptions_are_read_in_order() {
    for (description, expected) in [
        ("Transaksi dgn No. TKXL08029355b6 berhasil.", "succeeded"),
        ("Transaksi sedang di proses", "pending"),
        ("TRANSAKSI SEDANG DIPROSES, belum berhasil", "unknown: contradictory answers"),
        ("Transaksi tidak berhasil", "unknown: contradictory answers"),
        ("Permintaan sukses, menunggu operator", "pending"),
        ("Transaksi GAGAL", "unknown: contradictory answers"),
        ("Terima kasih", "pending"),
        ("", "pending"),
    ] {
        assert_eq!(description_verdict(description).to_string(), expected, "{description:?}");
    }
}
