//! The commands: arguments in, text and an exit code out.
//!
//! The edge of the program: files, the terminal and the clock are touched here and in what this
//! module calls for it (`corpus::store`, the cache of compiled code), nowhere else.

mod check;
mod coverage;
mod exit;
mod explore;
mod failures;
mod input;
mod replay;
mod run;
mod selftest;
mod shrink;

use clap::{Parser, Subcommand};

pub use exit::Exit;
pub use failures::Failures;
pub use input::{Loaded, WorldArguments, project_folder, sources};

/// Finds the ordering that breaks a WebAssembly state machine, and replays it.
///
/// Start with `sim run`; what it finds is written as a case that `sim replay` shows and
/// `sim shrink` makes short.
#[derive(Parser)]
#[command(name = "sim", version, after_help = exit::help())]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Run),
    Replay(replay::Replay),
    Shrink(shrink::Shrink),
    Explore(explore::Explore),
    Coverage(coverage::CoverageOf),
    Selftest(selftest::Selftest),
    Check(check::Check),
}

/// Runs the command that the process was started with.
pub fn main() -> Exit {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                Exit::BadInput
            } else {
                Exit::Holds
            };
        }
    };
    let done = match arguments.command {
        Command::Run(run) => run.execute(),
        Command::Replay(replay) => replay.execute(),
        Command::Shrink(shrink) => shrink.execute(),
        Command::Explore(explore) => explore.execute(),
        Command::Coverage(coverage) => coverage.execute(),
        Command::Selftest(selftest) => selftest.execute(),
        Command::Check(check) => check.execute(),
    };
    done.unwrap_or_else(|error| {
        eprint!("{}", input::error_text(&error));
        Exit::BadInput
    })
}
