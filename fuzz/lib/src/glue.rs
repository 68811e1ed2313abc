//! What every target does between libFuzzer and its own part of this library.

/// What `result` has, or the end of the process: bad settings are no finding.
pub fn or_exit<T>(result: anyhow::Result<T>) -> T {
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        std::process::exit(2)
    })
}

/// Puts what a mutator made where libFuzzer wants it, and says how long it is; None if nothing was
/// made, or it does not fit into `room`.
pub fn put(made: Option<impl AsRef<[u8]>>, out: &mut [u8], room: usize) -> Option<usize> {
    let made = made?;
    let made = made.as_ref();
    let place = out.get_mut(..room)?.get_mut(..made.len())?;
    place.copy_from_slice(made);
    Some(made.len())
}

/// Changes bytes as libFuzzer does, with its `mutate(bytes, length, most)`; they may become a few
/// more.
pub fn mutate_bytes(bytes: &mut Vec<u8>, mutate: impl Fn(&mut [u8], usize, usize) -> usize) {
    const MORE: usize = 8;
    let length = bytes.len();
    bytes.resize(length + MORE, 0);
    let length = mutate(bytes, length, length + MORE);
    bytes.truncate(length);
}
