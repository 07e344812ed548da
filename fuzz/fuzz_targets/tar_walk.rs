//! A tar, held to a plain reader of it. See `tarquet_fuzz::tar_walk`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tarquet_fuzz::tar_walk(data);
});
