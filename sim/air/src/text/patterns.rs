//! The patterns of names: what a piece of text in a document must look like.

/// Longer names are refused before they are looked at.
const MAX_NAME_SIZE: usize = 256;

/// What a piece of text in a document must look like, by the patterns of AIR v1.
///
/// ```
/// use sim_air::Pattern;
///
/// assert!(Pattern::Name.matches("demo/Counter@1"));
/// assert!(!Pattern::Name.matches("demo/Counter"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pattern {
    /// `namespace/Name@1`
    Name,
    /// An effect kind or a cap type, such as `http.request`.
    Kind,
    /// A step, a variable, a grant, a slot or the tag of a variant.
    Identifier,
    /// A field of a record: an identifier without dots, which part the fields of a path.
    Field,
    /// Any text that is not empty.
    Free,
}

impl Pattern {
    /// Whether the text has the pattern, and at most 256 bytes.
    pub fn matches(self, text: &str) -> bool {
        if text.is_empty() || text.len() > MAX_NAME_SIZE {
            return false;
        }
        match self {
            Pattern::Name => is_name(text),
            Pattern::Kind => is_kind(text),
            Pattern::Identifier => is_identifier(text),
            Pattern::Field => is_identifier(text) && !text.contains('.'),
            Pattern::Free => true,
        }
    }

    /// What is expected, for messages.
    pub fn expected(self) -> &'static str {
        match self {
            Pattern::Name => "a name such as `demo/Thing@1`",
            Pattern::Kind => "lowercase words with dots, such as `http.request`",
            Pattern::Identifier => {
                "a letter or `_`, then at most 63 letters, digits, `_`, `.`, `-`"
            }
            Pattern::Field => "a letter or `_`, then at most 63 letters, digits, `_`, `-`",
            Pattern::Free => "a text that is not empty",
        }
    }
}

fn is_name(text: &str) -> bool {
    let Some((namespace, rest)) = text.split_once('/') else {
        return false;
    };
    let Some((name, version)) = rest.split_once('@') else {
        return false;
    };
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || in_word(byte);
    let any = |byte: u8| byte.is_ascii_alphanumeric() || in_word(byte);
    let namespace_ok = starts(namespace, |byte| byte.is_ascii_lowercase()) && all(namespace, lower);
    let name_ok = starts(name, |byte| byte.is_ascii_alphabetic()) && all(name, any);
    let version_ok = starts(version, |byte| matches!(byte, b'1'..=b'9'))
        && all(version, |byte| byte.is_ascii_digit());
    namespace_ok && name_ok && version_ok
}

fn is_kind(text: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || in_word(byte);
    starts(text, |byte| byte.is_ascii_lowercase()) && all(text, part)
}

fn is_identifier(text: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let part = |byte: u8| byte.is_ascii_alphanumeric() || in_word(byte);
    text.len() <= 64 && starts(text, first) && all(text, part)
}

fn in_word(byte: u8) -> bool {
    matches!(byte, b'_' | b'.' | b'-')
}

fn starts(text: &str, accepts: impl Fn(u8) -> bool) -> bool {
    text.bytes().next().is_some_and(accepts)
}

fn all(text: &str, accepts: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(accepts)
}
