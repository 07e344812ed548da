//! A gzip file, inflated in all ways that there are. See `tarquet_fuzz::gzip_spool`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tarquet_fuzz::gzip_spool(data);
});
