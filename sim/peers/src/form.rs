//! How a greeting begins, and how long it may be.

/// What every greeting begins with. The number is to be raised when the greeting changes, or the
/// version of timely: what follows on the socket is of timely's form, which has no version itself.
pub(crate) const MAGIC: &[u8; 12] = b"sim-peers/1\n";
/// What greetings of all versions begin with.
pub(crate) const FAMILY: &[u8] = b"sim-peers/";
/// The most bytes that processes can have to agree about.
pub(crate) const MOST_BYTES: usize = 1 << 20;
