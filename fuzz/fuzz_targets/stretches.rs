//! A member of many documents, cut in all ways that there are. See `tarquet_fuzz::stretches`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tarquet_fuzz::stretches(data);
});
