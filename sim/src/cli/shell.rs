//! Words of a command that a person may paste into a shell.

use std::ffi::OsStr;
use std::fmt::Write;

use sim_air::printable;

/// The text as one word of a POSIX shell. What is not seen is written in the `$'...'` of newer
/// shells, so that the command stays one line and shows all that is in it.
pub(super) fn quoted(text: impl AsRef<OsStr>) -> String {
    let bytes = text.as_ref().as_encoded_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(byte);
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && bytes.iter().all(is_plain) => text.to_owned(),
        Ok(text) if printable(text) == text => format!("'{}'", text.replace('\'', "'\\''")),
        _ => escaped(bytes),
    }
}

/// A path as an argument by itself: one that begins with a dash is no option.
pub(super) fn argument(path: &std::path::Path) -> String {
    match path.as_os_str().as_encoded_bytes().first() {
        Some(b'-') => quoted(std::path::Path::new(".").join(path)),
        _ => quoted(path),
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut out = "$'".to_owned();
    for byte in bytes {
        // Writing to a text does not fail.
        let _ = match byte {
            b'\\' | b'\'' => write!(out, "\\{}", char::from(*byte)),
            b'#' => out.write_str("\\x23"),
            b' '..=b'~' => write!(out, "{}", char::from(*byte)),
            byte => write!(out, "\\x{byte:02x}"),
        };
    }
    out + "'"
}
