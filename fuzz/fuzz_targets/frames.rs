//! What goes through the pipes between coordinator and worker, both ways. See `tarquet_fuzz::frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    tarquet_fuzz::frames(data);
});
