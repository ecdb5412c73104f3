#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| biller_fuzz::read_all(&biller_fuzz::klikoo::Klikoo, body));
