//! libFuzzer's way into `hookgate_fuzz::address_list`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hookgate_fuzz::address_list(data));
