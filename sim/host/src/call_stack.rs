//! Where a guest was when it stopped: the functions that it was in, by name.
//!
//! A place is the same on any machine, and the same for instrumented code as for the original:
//! indices and offsets are those of the original binary. What may differ between processors, how
//! deep a recursion went, is left out.

use std::fmt;

/// How many of the innermost frames are looked at.
pub(super) const FRAMES_MAX: usize = 64;

/// The functions that a guest was in when it stopped, innermost first, by name. A function without
/// a name is given by its index, and the byte of the module where it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallStack {
    pub(super) functions: Vec<String>,
    /// There were more.
    pub(super) is_cut: bool,
}

impl CallStack {
    /// The functions by name, innermost first; empty where nothing is known.
    pub fn functions(&self) -> &[String] {
        &self.functions
    }
}

impl fmt::Display for CallStack {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.functions.is_empty() {
            return Ok(());
        }
        write!(out, "; in {}", self.functions.join(" < "))?;
        if self.is_cut {
            out.write_str(" < …")?;
        }
        Ok(())
    }
}

/// The functions that called each other until the stack was exhausted, by index. Which of them was
/// the last one, and how often each was called, may differ between processors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recursion {
    pub(super) functions: Vec<String>,
}

impl fmt::Display for Recursion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.functions.as_slice() {
            [] => Ok(()),
            functions => write!(out, " by the recursion of {}", functions.join(", ")),
        }
    }
}
