//! Lines of text, each in a style: what stands in them may come from a file, and is no order to a
//! terminal.

use std::fmt;

use anstyle::{AnsiColor, Style};

/// How a line looks where there are colours. Never the only sign of anything.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Look {
    /// As it is.
    #[default]
    Plain,
    /// A heading.
    Head,
    /// Something that is well.
    Good,
    /// Something that is not.
    Bad,
    /// Beside the point.
    Faint,
}

impl Look {
    fn style(self) -> Style {
        match self {
            Look::Plain => Style::new(),
            Look::Head => Style::new().bold(),
            Look::Good => AnsiColor::Green.on_default(),
            Look::Bad => AnsiColor::Red.on_default().bold(),
            Look::Faint => Style::new().dimmed(),
        }
    }
}

/// Lines. Shown with the escapes of their styles, which a stream for those who want none strips.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Text(Vec<(Look, String)>);

impl Text {
    /// Adds a plain line.
    pub fn line(&mut self, text: impl AsRef<str>) {
        self.look(Look::Plain, text);
    }

    /// Adds a line in a style. Breaks in it are escaped, as all that would not be seen.
    pub fn look(&mut self, look: Look, text: impl AsRef<str>) {
        self.0.push((look, sim_air::printable(text.as_ref())));
    }

    /// Adds the lines of a text of our own.
    pub fn lines(&mut self, text: impl AsRef<str>) {
        text.as_ref().lines().for_each(|line| self.line(line));
    }

    /// Adds all lines of another text.
    pub fn append(&mut self, other: Text) {
        self.0.extend(other.0);
    }

    /// Without escapes.
    pub fn plain(&self) -> String {
        let lines = self.0.iter().map(|(_, line)| format!("{line}\n"));
        lines.collect()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (look, line) in &self.0 {
            match look {
                Look::Plain => writeln!(out, "{line}")?,
                look => {
                    let style = look.style();
                    writeln!(out, "{style}{line}{style:#}")?;
                }
            }
        }
        Ok(())
    }
}
