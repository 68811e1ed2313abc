//! Pages: a run as a space-time diagram, a campaign in figures. Each is one file that asks nothing
//! of any network; what it may run and how it may look is pinned by hash in its content policy, so
//! that nothing in a document or a case can become script.
//!
//! Templates are beside this file. [`diagram`] says where everything is drawn, [`details`] is what
//! the script shows of a turn.

mod campaign;
mod curve;
mod details;
mod diagram;
pub mod file;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sim_record::trace::Digest;

pub use campaign::Pages;

use super::event::{Case, CaseDone};
use super::marked;
use super::timeline::{Timeline, Violated};
use super::why::{self, Why};
use sim_air::printable;
use sim_kernel::World;

const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/script.js");
const TEMPLATES: [(&str, &str); 3] = [
    ("layout.html", include_str!("page/layout.html")),
    ("run.html", include_str!("page/run.html")),
    ("campaign.html", include_str!("page/campaign.html")),
];

/// The most turns that a page shows: of a longer run those up to the first violation, or the first.
const MOST_TURNS: usize = 10_000;

/// What a page says beside its diagram.
struct About<'a> {
    /// Its heading: a file or a seed.
    title: &'a str,
    /// What the case is about, in the words of who wrote it.
    about: Option<&'a str>,
    replay: &'a str,
    digest: String,
    /// Lines of further facts.
    facts: Vec<String>,
    /// It is one of a campaign's pages, beside its index.
    has_index: bool,
}

/// A pair of a name and a value, as templates have them.
#[derive(Serialize)]
struct Fact {
    name: &'static str,
    value: String,
}

/// A case that was replayed, as a page.
///
/// # Errors
/// If the template does not fit what is put into it, which is a bug.
pub fn of_case(world: &World, done: &CaseDone<'_>) -> anyhow::Result<String> {
    let about = About {
        title: done.file,
        about: done.about,
        replay: done.replay,
        digest: done.digest.to_string(),
        facts: done.changes.to_vec(),
        has_index: false,
    };
    run(world, &about, (done.violations, done.timeline), None)
}

/// A case that fails, with the curve of how often it still fails from each turn on.
///
/// # Errors
/// As [`of_case`].
pub fn of_why(
    world: &World,
    (why, timeline): (&Why<'_>, &Timeline),
    digest: Digest,
) -> anyhow::Result<String> {
    let about = About {
        title: why.file,
        about: None,
        replay: why.replay,
        digest: digest.to_string(),
        facts: Vec::new(),
        has_index: false,
    };
    run(world, &about, (&timeline.violations, timeline), Some(why))
}

/// A run as a page.
fn run(
    world: &World,
    about: &About<'_>,
    (violations, timeline): (&[Violated], &Timeline),
    why: Option<&Why<'_>>,
) -> anyhow::Result<String> {
    let first = violations.first().map(|first| first.turn);
    let turns = timeline.turns.len();
    let end = first.map_or(MOST_TURNS, |turn| turn + 1);
    let shown = match turns > MOST_TURNS {
        true => end.saturating_sub(MOST_TURNS)..end.min(turns),
        false => 0..turns,
    };
    let reducers = world.reducers();
    let reducers =
        reducers.map(|(id, reducer)| format!("{} ({})", reducer.name, world.code(id).hash()));
    let facts = about.facts.iter().map(String::as_str);
    let facts = facts.chain((!timeline.any.is_empty()).then_some(marked::LEGEND));
    render(
        "run.html",
        &json!({
            "title": printable(about.title),
            "about": about.about.map(printable),
            "verdict": verdict(violations),
            "is_violated": !violations.is_empty(),
            "violations": violations.iter().map(Card::from).collect::<Vec<_>>(),
            "left_out": turns - shown.len(),
            "first": shown.start,
            "turns": turns,
            "replay": printable(about.replay),
            "index": about.has_index,
            "facts": facts.map(printable).collect::<Vec<_>>(),
            "reducers": reducers.collect::<Vec<_>>(),
            "digest": about.digest,
            "why": why.map(why_lines),
            "diagram": diagram::Diagram::of(timeline, shown.clone(), why),
            "data": script_json(&details::Details::of(timeline, shown))?,
        }),
    )
}

fn why_lines(why: &Why<'_>) -> Vec<String> {
    let lines = why::lines(why);
    lines.iter().map(|line| printable(line)).collect()
}

fn verdict(violations: &[Violated]) -> String {
    let names: Vec<&str> = violations
        .iter()
        .map(|one| one.invariant.as_str())
        .collect();
    match names.is_empty() {
        true => "holds".to_owned(),
        false => format!("violates {}", names.join(", ")),
    }
}

/// A violation as templates have it.
#[derive(Serialize)]
struct Card {
    invariant: String,
    says: String,
    turn: usize,
    expected: String,
    found: String,
}

impl From<&Violated> for Card {
    fn from(violated: &Violated) -> Card {
        Card {
            invariant: violated.invariant.clone(),
            says: violated.says.clone(),
            turn: violated.turn,
            expected: printable(&violated.expected),
            found: printable(&violated.found),
        }
    }
}

/// JSON that may stand within a script element: nothing in it can end that.
fn script_json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string(value)?.replace('<', "\\u003c"))
}

/// Fills a template in. Values are escaped for HTML, but for those that it marks as safe.
fn render(name: &str, values: &serde_json::Value) -> anyhow::Result<String> {
    let mut environment = Environment::new();
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let shared = [
        ("style", STYLE.to_owned()),
        ("script", SCRIPT.to_owned()),
        ("style_hash", hash(STYLE)),
        ("script_hash", hash(SCRIPT)),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    for (name, value) in shared {
        environment.add_global(name, value);
    }
    let page = environment.get_template(name)?;
    Ok(page.render(Serde(values))?)
}

/// The name of the page of a case.
fn page_name(case: &Case) -> String {
    let stem = std::path::Path::new(&case.file)
        .file_stem()
        .unwrap_or_default();
    format!("{}.html", stem.to_string_lossy())
}
