//! What a crate shows and nothing uses. The compiler sees that within a crate, and not of what
//! another could use.
//!
//! Looks for functions and constants that are `pub` and whose name stands nowhere else in the code.
//! They cannot be used without their name, which is not true of types. Does not see one that shares
//! its name with another that is used.

use std::collections::BTreeMap;

use super::tokens::Token;

/// Where names are defined and used.
#[derive(Default)]
pub struct Names {
    /// How often a name stands in code.
    uses: BTreeMap<String, usize>,
    /// Functions and constants that are `pub`: name, and where it is defined.
    shown: Vec<(String, String)>,
}

impl Names {
    /// Adds the code of a file. Only `is_shown` ones are looked at for what they show.
    pub fn add(&mut self, file: &str, tokens: &[Token], is_shown: bool) {
        for (at, token) in tokens.iter().enumerate() {
            *self.uses.entry(token.text.clone()).or_default() += 1;
            if is_shown && token.text == "pub" {
                let name = shown_name(&tokens[at + 1..]);
                self.shown
                    .extend(name.map(|it| (it.text.clone(), format!("{file}:{}", it.line))));
            }
        }
    }

    /// What is shown and not used, and where.
    pub fn unused(&self) -> Vec<String> {
        let shown = self.shown.iter();
        let unused = shown.filter(|(name, _)| {
            let defined = self.shown.iter().filter(|(other, _)| other == name);
            self.uses[name] == defined.count()
        });
        unused
            .map(|(name, place)| format!("{place}: {name}"))
            .collect()
    }
}

/// The name of a function or constant that is defined after `pub`.
fn shown_name(after: &[Token]) -> Option<&Token> {
    let mut tokens = after.iter();
    loop {
        match &*tokens.next()?.text {
            "unsafe" | "async" => {}
            "fn" => return tokens.next(),
            "const" => {
                let next = tokens.next()?;
                return match &*next.text {
                    "fn" => tokens.next(),
                    _ => Some(next),
                };
            }
            _ => return None,
        }
    }
}
