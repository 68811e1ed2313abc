//! Who reads the events of a campaign or a replay: standard output in one of its forms, pages, and
//! GitHub's annotations where a workflow runs.

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::input::Loaded;
use super::terminal;
use sim_record::interrupt::Interrupt;
use sim_report::event::Readers;
use sim_report::github::GitHub;
use sim_report::human::Human;
use sim_report::json_lines::JsonLines;
use sim_report::junit::JUnit;
use sim_report::page::Pages;
use sim_report::turns::Rows;

/// The form of standard output.
#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Format {
    /// Tables and figures
    #[default]
    Human,
    /// Events, one JSON object a line: see docs/events.md
    Json,
    /// A JUnit report, for CI
    Junit,
}

#[derive(Args)]
pub(super) struct Output {
    /// The form of standard output: human, json or junit
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "FORM",
        hide_possible_values = true
    )]
    pub format: Format,
}

/// What readers need to know beside the events.
pub(super) struct For<'a> {
    pub loaded: &'a Loaded,
    pub interrupt: &'a Interrupt,
    /// Only the verdicts of cases.
    pub is_brief: bool,
    /// Which turns of a case are shown.
    pub rows: Rows,
    /// The folder of the pages.
    pub pages: Option<&'a Path>,
}

impl Output {
    /// # Errors
    /// If the folder of the pages cannot be made.
    pub fn readers<'a>(&self, wanted: &For<'a>) -> Result<Readers<'a>> {
        let mut readers = Readers::default();
        let raw = terminal::raw_out_for(wanted.interrupt);
        readers.0.push(match self.format {
            Format::Human => Box::new(Human {
                out: terminal::out_for(wanted.interrupt),
                world: &wanted.loaded.world,
                width: terminal::width(),
                is_brief: wanted.is_brief,
                rows: wanted.rows,
                is_plain: false,
            }),
            Format::Json => Box::new(JsonLines(BufWriter::new(raw))),
            Format::Junit => Box::new(JUnit::new(raw)),
        });
        if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
            readers.0.push(Box::new(GitHub(terminal::err())));
        }
        if let Some(folder) = wanted.pages {
            let pages = Pages::new(&wanted.loaded.world, PathBuf::from(folder))?;
            readers.0.push(Box::new(pages));
        }
        Ok(readers)
    }
}
