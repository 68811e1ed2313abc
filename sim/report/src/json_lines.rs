//! Events as JSON, one a line.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::event::{Event, Reader};
use sim_air::printable_json;

/// Writes an event a line.
pub struct JsonLines<W>(pub W);

impl<W: Write> Reader for JsonLines<W> {
    fn read(&mut self, event: &Event<'_>) -> anyhow::Result<()> {
        event.serialize(&mut Serializer::with_formatter(&mut self.0, Seen))?;
        self.0.write_all(b"\n")?;
        // Who follows a campaign sees failures at once; seeds come in thousands.
        if !matches!(event, Event::SeedDone(_)) {
            self.0.flush()?;
        }
        Ok(())
    }
}

/// JSON in which nothing is hidden: a reader that takes more than `\n` for the end of a line finds
/// no other.
struct Seen;

impl Formatter for Seen {
    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        writer.write_all(printable_json(fragment).as_bytes())
    }
}
