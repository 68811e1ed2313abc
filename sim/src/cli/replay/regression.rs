//! A case as a test in Rust, for a crate of one's own: it replays the case, in which everything
//! must hold. See `sim::testing`.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};

use super::super::input::{Leaks, is_built_in};
use super::WorldArguments;
use sim_air::{printable, printable_json};
use sim_cases::{Case, CaseVerdict};
use sim_kernel::World;
use sim_model::Properties;
use sim_record::marks::Marks;
use sim_report::timeline::Violated;
use sim_report::words;

/// A larger case is named by its path, and does not stand in the test.
const MOST_BYTES: usize = 32 << 10;
/// How much is said of what a case says of itself.
const MOST_CHARS: usize = 400;
/// The columns of a line.
const COLUMNS: usize = 96;

/// What a test is made of.
pub(super) struct Regression<'a> {
    pub path: &'a Path,
    pub case: &'a Case,
    pub arguments: &'a WorldArguments,
    pub world: &'a World,
    /// What is asked here.
    pub properties: &'a Properties,
    /// What was violated just now.
    pub violations: &'a [Violated],
}

impl Regression<'_> {
    /// The source of the test.
    ///
    /// # Errors
    /// If a path is not UTF-8, and cannot stand in it.
    pub fn source(&self) -> Result<String> {
        let mut out = String::new();
        for line in self.about() {
            comment(&mut out, "///", &line);
        }
        let _ = writeln!(out, "#[test]\nfn {}() {{", self.name());
        // What matters to a failure says nothing of a test in which all holds.
        let text = self.case.clone().with_marks(&Marks::default()).to_text();
        let is_embedded = text.len() <= MOST_BYTES || self.path == Path::new("-");
        if is_embedded {
            let _ = writeln!(out, "    let case = {};", raw(&text));
        }
        self.add_world(&mut out)?;
        if let Some(name) = self.not_asked() {
            let what = format!("Its property `{name}`, as the test has it that found this.");
            comment(&mut out, "        //", &what);
        }
        let _ = match is_embedded {
            true => writeln!(out, "        .check_case(case);"),
            false => writeln!(out, "        .check_case_file({:?});", utf8(self.path)?),
        };
        out.push_str("}\n");
        Ok(out)
    }

    /// What the test is about: what the case says of itself, and what is violated, or was.
    fn about(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let about = self.case.about.as_deref();
        lines.extend(about.map(|about| words::clip(about, MOST_CHARS)));
        for violated in self.violations {
            let Violated {
                invariant,
                says,
                expected,
                found,
                ..
            } = violated;
            lines.push(format!("`{invariant}`: {says}."));
            lines.push(format!("Expected {expected}, found {found}."));
        }
        if let (Some(CaseVerdict::Violated(name)), true) =
            (&self.case.verdict, self.violations.is_empty())
        {
            lines.push(format!("It violated `{name}` once."));
        }
        let file = self.path.display();
        lines.push(format!(
            "A test of the case `{file}`, in which everything holds."
        ));
        lines
    }

    /// The name of the test: that of the file, as far as a name may have it.
    fn name(&self) -> String {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let plain = stem.chars().map(|char| match char.is_ascii_alphanumeric() {
            true => char.to_ascii_lowercase(),
            false => '_',
        });
        let plain: String = plain.collect();
        // No word of the language has a `_` between two letters.
        let is_name = plain.starts_with(|first: char| first.is_ascii_lowercase())
            && plain.trim_end_matches('_').contains('_');
        match (is_name, plain.trim_matches('_')) {
            (true, _) => plain,
            (false, "") => "case_of_standard_input".to_owned(),
            (false, rest) => format!("case_{rest}"),
        }
    }

    /// The world, as the command was given it.
    fn add_world(&self, out: &mut String) -> Result<()> {
        let arguments = self.arguments;
        let _ = match is_built_in(arguments.world.as_deref()) {
            true => writeln!(out, "    sim::testing::usual_world()"),
            false => {
                let folder = arguments.folder();
                writeln!(out, "    sim::testing::world({:?})", utf8(&folder)?)
            }
        };
        for wasm in &arguments.wasm {
            let mut names = self.world.modules().map(|(name, _)| name);
            let named = wasm.split_once('=');
            let _ = match named.filter(|(name, _)| names.any(|known| known == *name)) {
                Some((name, file)) => writeln!(out, "        .wasm_of({name:?}, {file:?})"),
                None => writeln!(out, "        .wasm({wasm:?})"),
            };
        }
        for expected in &arguments.expect {
            let _ = writeln!(out, "        .expect({expected:?})");
        }
        if arguments.leaks == Leaks::Deny {
            out.push_str("        .deny_leaks()\n");
        }
        Ok(())
    }

    /// What the case violated, if only a test asks for it.
    fn not_asked(&self) -> Option<&str> {
        match &self.case.verdict {
            Some(CaseVerdict::Violated(name)) if self.properties.find(name).is_none() => Some(name),
            _ => None,
        }
    }
}

fn utf8(path: &Path) -> Result<&str> {
    let text = path.to_str();
    text.with_context(|| format!("{} is not UTF-8: a test cannot name it", path.display()))
}

/// Lines of a comment, each of which begins so.
fn comment(out: &mut String, begin: &str, text: &str) {
    let mut line = begin.to_owned();
    for word in printable(text).split_whitespace() {
        let columns = line.chars().count() + 1 + word.chars().count();
        if columns > COLUMNS && line != begin {
            let _ = writeln!(out, "{line}");
            line = begin.to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
}

/// A text of JSON as a literal with its lines as they are. What would not be seen is escaped as
/// JSON does it.
fn raw(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(printable_json).collect();
    let text = lines.join("\n");
    let closes = |marks: &str| text.contains(&format!("\"{marks}"));
    let mut marks = "#".to_owned();
    while closes(&marks) {
        marks.push('#');
    }
    format!("r{marks}\"{text}\"{marks}")
}
