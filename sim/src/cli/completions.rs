//! `sim completions`: what a shell needs to complete the commands.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use clap_complete::Shell;

use super::{Exit, terminal};

/// Print the completions of a shell.
#[derive(Args)]
#[command(
    after_help = "Example: sim completions bash > ~/.local/share/bash-completion/completions/sim"
)]
pub(super) struct Completions {
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub fn execute(self, mut command: clap::Command) -> Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "sim", &mut script);
        terminal::out().write_all(&script)?;
        Ok(Exit::Holds)
    }
}
