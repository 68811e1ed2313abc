//! `sim schema`: the JSON Schemas of what one writes, and of what programs read.

use std::io::Write;

use anyhow::Result;
use clap::Args;

use super::{Exit, terminal};
use sim_cases::Case;
use sim_declared::File;
use sim_report::event;

/// Print a JSON Schema, for editors and for programs that read what sim writes
#[derive(Args)]
#[command(after_help = "Example: sim schema sim.toml > sim.schema.json")]
pub(super) struct Schema {
    /// Documents (`*.air.json`), sim.toml, a case file, or a line of `--format json`
    #[arg(value_enum)]
    of: Of,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Of {
    Documents,
    #[value(name = "sim.toml")]
    SimToml,
    Case,
    Events,
}

/// Written by hand: documents are read without types that hold them as they are written.
const DOCUMENTS: &str = include_str!("../../../schemas/documents.json");

impl Schema {
    pub fn execute(self) -> Result<Exit> {
        let made = |schema: schemars::Schema| {
            serde_json::to_string_pretty(&schema).map(|text| text + "\n")
        };
        let text = match self.of {
            Of::Documents => DOCUMENTS.to_owned(),
            Of::SimToml => made(File::schema())?,
            Of::Case => made(Case::schema())?,
            Of::Events => made(event::schema())?,
        };
        terminal::out().write_all(text.as_bytes())?;
        Ok(Exit::Holds)
    }
}
