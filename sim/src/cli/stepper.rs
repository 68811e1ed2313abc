//! `sim replay --step`: a walk through a run in the terminal, a turn at a time.

use std::io::{IsTerminal, Write};

use anyhow::{Result, bail};
use console::{Key, Term};

use super::terminal;
use sim_report::moment;
use sim_report::text::{Look, Text};
use sim_report::timeline::Timeline;

const KEYS: &str =
    "→ or Enter: next · ←: back · Home, End: first, last · v: next violation · q: leave";

/// Shows the first violated turn, or the first of all, and goes where the keys say.
///
/// # Errors
/// If there is no terminal, or it cannot be written to.
pub(super) fn walk(timeline: &Timeline) -> Result<()> {
    if timeline.turns.is_empty() {
        bail!("there is nothing to walk through: no decision of the case was possible");
    }
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        bail!("`--step` asks for keys and needs a terminal: leave it out for a table");
    }
    let term = Term::stdout();
    let last = timeline.turns.len() - 1;
    let mut turn = timeline
        .violations
        .first()
        .map_or(0, |first| first.turn.min(last));
    loop {
        term.clear_screen()?;
        show(timeline, turn)?;
        turn = match term.read_key()? {
            Key::ArrowRight | Key::ArrowDown | Key::Enter | Key::Char(' ' | 'n' | 'j' | 'l') => {
                (turn + 1).min(last)
            }
            Key::ArrowLeft | Key::ArrowUp | Key::Backspace | Key::Char('p' | 'k' | 'h') => {
                turn.saturating_sub(1)
            }
            Key::Home | Key::Char('g') => 0,
            Key::End | Key::Char('G') => last,
            Key::Char('v') => next_violation(timeline, turn),
            Key::Char('q') | Key::Escape | Key::CtrlC => return Ok(()),
            _ => turn,
        };
    }
}

fn show(timeline: &Timeline, turn: usize) -> Result<()> {
    let mut text: Text = moment::told(timeline, turn);
    text.line("");
    text.look(Look::Faint, KEYS);
    write!(terminal::out(), "{text}")?;
    Ok(())
}

/// The first violated turn after one, or the first of all.
fn next_violation(timeline: &Timeline, turn: usize) -> usize {
    let turns = || timeline.violations.iter().map(|violated| violated.turn);
    let next = turns().filter(|at| *at > turn).min();
    next.or_else(|| turns().min()).unwrap_or(turn)
}
