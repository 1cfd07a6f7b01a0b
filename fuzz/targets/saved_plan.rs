#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| keycomb_fuzz::saved_plan::run(data));
