#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| keycomb_fuzz::terraform::run(data));
