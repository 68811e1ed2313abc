//! The host's own coverage: libFuzzer's counters in the code of this binary.
//!
//! Where a reducer is the subject, what the host does about it is noise: it was two thirds of all
//! features, and a third of the time. So its counters are zeroed before libFuzzer looks at them.
#![expect(
    unsafe_code,
    reason = "the counters lie between two symbols of the linker"
)]

use std::ptr;

unsafe extern "C" {
    #[link_name = "__start___sancov_cntrs"]
    static mut START: u8;
    #[link_name = "__stop___sancov_cntrs"]
    static mut STOP: u8;
}

/// Zeroes the counters.
pub fn forget() {
    let (start, stop) = (&raw mut START, &raw mut STOP);
    // SAFETY: the linker puts the two at the ends of one section, which holds bytes that only
    // this thread writes: counters of instrumented code, of which this function is no part.
    unsafe { ptr::write_bytes(start, 0, stop.offset_from(start) as usize) };
}
