//! Events as JSON, one a line.

use std::io::Write;

use super::event::{Event, Reader};

pub struct JsonLines<W>(pub W);

impl<W: Write> Reader for JsonLines<W> {
    fn read(&mut self, event: &Event<'_>) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.0, event)?;
        self.0.write_all(b"\n")?;
        // Who follows a campaign sees failures at once; seeds come in thousands.
        if !matches!(event, Event::SeedDone(_)) {
            self.0.flush()?;
        }
        Ok(())
    }
}
