//! The commands: arguments in, text and an exit code out.
//!
//! The edge of the program: files, the terminal and the clock are touched here and in what this
//! module calls for it (`cases::store`, `shards`, `report::page`, the cache of compiled code),
//! nowhere else.

mod cases;
mod check;
mod completions;
mod coverage;
mod diff;
mod doctor;
mod errors;
mod exit;
mod explore;
mod failing;
mod init;
mod input;
mod layout;
mod merge;
mod package;
mod planted;
mod readers;
mod replay;
mod reporting;
mod run;
mod schema;
mod selftest;
mod shard;
mod shell;
mod shrink;
mod stepper;
mod terminal;
mod why;

use std::io::Write;

use clap::{ArgAction, CommandFactory, Parser, Subcommand};
use sim_air::printable_lines;

pub(crate) use errors::error_text;
pub use exit::Exit;
pub use input::{Leaks, Loaded, WorldArguments, sources};
pub use replay::{command as replay_command, command_of as replay_command_of};

/// Finds the ordering that breaks a WebAssembly state machine, and replays it.
#[derive(Parser)]
#[command(
    name = "sim",
    version,
    after_help = after_help(),
    max_term_width = 100,
    disable_help_flag = true,
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Colours: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        hide_possible_values = true,
        display_order = 1_000
    )]
    color: terminal::Color,
    /// Print help
    // The short form, always: it fits the screen.
    #[arg(short, long, global = true, action = ArgAction::HelpShort, display_order = 1_001)]
    help: Option<bool>,
}

#[derive(Subcommand)]
enum Command {
    Init(init::Init),
    Run(run::Run),
    Merge(merge::Merge),
    Replay(replay::Replay),
    Shrink(shrink::Shrink),
    Why(why::Why),
    Explore(explore::Explore),
    Diff(diff::Diff),
    Coverage(coverage::CoverageOf),
    Selftest(selftest::Selftest),
    Check(check::Check),
    Doctor(doctor::Doctor),
    Schema(schema::Schema),
    Completions(completions::Completions),
}

/// The way of a newcomer, and the exit codes.
fn after_help() -> String {
    let way = "\
The way:
  sim init DIR                   a world of your own to begin with
  sim run                        try 10,000 orderings; a failure is written as a case
  sim replay CASE                see it: a table, --step in the terminal, --html as a diagram
  sim shrink CASE                make it as short as it gets; sim why: which turns matter
  sim explore; cargo fuzz run T  try every ordering of a small world; search on, guided
";
    // Without a line between them: it fits a screen to the line.
    format!("{way}{}", exit::help())
}

/// Runs the command that the process was started with.
pub fn main() -> Exit {
    if sim_host::serve_parent() {
        return Exit::Holds;
    }
    sim_host::compile_in_children(terminal::note_progress);
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            show(&error);
            return if error.use_stderr() {
                Exit::BadInput
            } else {
                Exit::Holds
            };
        }
    };
    arguments.color.choose();
    let done = match arguments.command {
        Command::Init(init) => init.execute(),
        Command::Run(run) => run.execute(),
        Command::Merge(merge) => merge.execute(),
        Command::Replay(replay) => replay.execute(),
        Command::Shrink(shrink) => shrink.execute(),
        Command::Why(why) => why.execute(),
        Command::Explore(explore) => explore.execute(),
        Command::Diff(diff) => diff.execute(),
        Command::Coverage(coverage) => coverage.execute(),
        Command::Selftest(selftest) => selftest.execute(),
        Command::Check(check) => check.execute(),
        Command::Doctor(doctor) => doctor.execute(),
        Command::Schema(schema) => schema.execute(),
        Command::Completions(completions) => completions.execute(Arguments::command()),
    };
    done.unwrap_or_else(|error| {
        let _ = write!(terminal::err(), "{}", errors::error_text(&error));
        errors::exit_of(&error)
    })
}

/// Help as it is; an error with what it quotes of the arguments made printable.
fn show(error: &clap::Error) {
    let text = error.render().to_string();
    let safe = printable_lines(&text);
    let _ = match safe == text {
        true => error.print(),
        false => write!(terminal::err(), "{safe}"),
    };
}
