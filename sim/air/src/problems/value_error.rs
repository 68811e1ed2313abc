//! Why bytes or JSON are no value of a schema.

/// A value that does not fit its schema. `path` is a JSON pointer into what was read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}: expected {expected}, found {found}", at_pointer(.path))]
pub struct ValueError {
    /// JSON pointer (RFC 6901) into what was read; empty for the whole.
    pub path: String,
    /// What should have been there.
    pub expected: String,
    /// What was there.
    pub found: String,
}

/// Where something is, by its JSON pointer: "at `/a/0`", or "at the top".
pub fn at_pointer(path: &str) -> String {
    match path.is_empty() {
        true => "at the top".to_owned(),
        false => format!("at `{path}`"),
    }
}

/// An error that takes one word on the way out.
pub(crate) type Fault = Box<ValueError>;

impl ValueError {
    pub(crate) fn new(expected: impl Into<String>, found: impl Into<String>) -> ValueError {
        ValueError {
            path: String::new(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// The same error seen from one level further out.
    pub(crate) fn within(mut self, step: impl std::fmt::Display) -> ValueError {
        let step = step.to_string().replace('~', "~0").replace('/', "~1");
        self.path.insert_str(0, &step);
        self.path.insert(0, '/');
        self
    }
}
