//! The pages of `sim` in headless Chromium: they open without a complaint, show what is wrong, and
//! are walked through by keys.
//!
//! `cargo test -p sim_browser`. Chromium is looked for as `CHROME` and under its usual names; where
//! there is none the trials are skipped, and say so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, anyhow, ensure};
use headless_chrome::browser::default_executable;
use headless_chrome::protocol::cdp::types::Event;
use headless_chrome::protocol::cdp::{Emulation, Runtime};
use headless_chrome::{Browser, LaunchOptions, Tab};
use libtest_mimic::{Arguments, Failed, Trial};

type Test = fn(&Opened) -> Result<()>;

const TESTS: [(&str, Test); 8] = [
    ("opens_without_a_complaint", opens_without_a_complaint),
    ("the_violated_turn_is_seen", the_violated_turn_is_seen),
    ("keys_move_the_selection", keys_move_the_selection),
    ("clicks_select", clicks_select),
    ("an_address_names_a_turn", an_address_names_a_turn),
    ("is_labelled", is_labelled),
    ("fits_narrow_and_wide_screens", fits_narrow_and_wide_screens),
    (
        "a_campaign_leads_to_its_failures",
        a_campaign_leads_to_its_failures,
    ),
];

fn main() {
    let arguments = Arguments::from_args();
    let executable = default_executable();
    let trials = TESTS.map(|(name, test)| match executable.clone() {
        Ok(chromium) => Trial::test(name, move || tried(chromium, test)),
        Err(_) => Trial::test(name, || Ok(()))
            .with_ignored_flag(true)
            .with_kind("skipped: no Chromium is installed; set CHROME to its path"),
    });
    libtest_mimic::run(&arguments, trials.into()).exit();
}

fn tried(chromium: PathBuf, test: Test) -> Result<(), Failed> {
    let opened = Opened::new(chromium).map_err(|error| format!("{error:#}"))?;
    test(&opened).map_err(|error| format!("{error:#}"))?;
    let complaints = opened.complaints();
    match complaints.is_empty() {
        true => Ok(()),
        false => Err(complaints.join("\n").into()),
    }
}

/// A browser, and the pages of a campaign that failed.
struct Opened {
    tab: Arc<Tab>,
    complaints: Arc<Mutex<Vec<String>>>,
    /// It ends when this is dropped.
    _browser: Browser,
}

/// The folder of the pages, written once.
fn pages() -> Result<&'static Path> {
    static PAGES: OnceLock<Result<tempfile::TempDir>> = OnceLock::new();
    let made = PAGES.get_or_init(|| {
        let folder = tempfile::tempdir()?;
        write_pages(folder.path())?;
        Ok(folder)
    });
    match made {
        Ok(folder) => Ok(folder.path()),
        Err(error) => Err(anyhow!("{error:#}")),
    }
}

impl Opened {
    fn new(chromium: PathBuf) -> Result<Opened> {
        // First, for a browser with nothing to do ends by itself.
        pages()?;
        let options = LaunchOptions::default_builder()
            .path(Some(chromium))
            // It is our own page, and as root there is no sandbox.
            .sandbox(false)
            .window_size(Some((1_300, 800)))
            .build()?;
        let browser = Browser::new(options)?;
        let tab = browser.new_tab()?;
        let complaints = Arc::new(Mutex::new(Vec::new()));
        let heard = complaints.clone();
        tab.enable_log()?.enable_runtime()?;
        tab.add_event_listener(Arc::new(move |event: &Event| {
            let said = match event {
                Event::LogEntryAdded(entry) => entry.params.entry.text.clone(),
                Event::RuntimeConsoleAPICalled(call) => format!("{:?}", call.params.args),
                Event::RuntimeExceptionThrown(thrown) => {
                    format!("{:?}", thrown.params.exception_details)
                }
                _ => return,
            };
            heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(said);
        }))?;
        Ok(Opened {
            tab,
            complaints,
            _browser: browser,
        })
    }

    /// All that the console has heard.
    fn complaints(&self) -> Vec<String> {
        let heard = self.complaints.lock();
        heard.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn go(&self, page: &str) -> Result<()> {
        let address = format!("file://{}", pages()?.join(page).display());
        self.tab.navigate_to(&address)?.wait_until_navigated()?;
        Ok(())
    }

    /// The page of the failure, its first turn selected by nobody.
    fn failure(&self) -> Result<()> {
        self.go("failure.html")
    }

    fn ask(&self, expression: &str) -> Result<serde_json::Value> {
        let answer: Runtime::RemoteObject = self.tab.evaluate(expression, false)?;
        answer
            .value
            .with_context(|| format!("no answer to {expression}"))
    }

    /// The id of the selected turn, if the page and its list agree on it.
    fn selected(&self) -> Result<String> {
        let ids = self.ask(
            "[document.querySelector('[aria-selected=true]').id, \
             document.getElementById('turns').getAttribute('aria-activedescendant')].join(' ')",
        )?;
        let ids = ids.as_str().context("it is a text")?;
        let (first, second) = ids.split_once(' ').context("there are two")?;
        ensure!(
            first == second,
            "{first} is selected, and {second} is active"
        );
        Ok(first.to_owned())
    }

    fn expect_selected(&self, turn: &str, after: &str) -> Result<()> {
        let selected = self.selected()?;
        ensure!(
            selected == turn,
            "{selected} is selected after {after}, not {turn}"
        );
        Ok(())
    }

    fn is_true(&self, expression: &str) -> Result<()> {
        let answer = self.ask(expression)?;
        ensure!(answer == true, "not so: {expression}");
        Ok(())
    }
}

/// A campaign on a planted bug: `index.html` and the page of its failure, which is copied to
/// `failure.html`.
fn write_pages(folder: &Path) -> Result<()> {
    let wasm = sim(
        folder,
        &["selftest", "--emit", "attempt-limit-off-by-one"],
        0,
    )?;
    std::fs::write(folder.join("bug.wasm"), wasm)?;
    let run = "run --seeds 0..200 --most-failures 4 --wasm bug.wasm --case-dir cases --html .";
    sim(folder, &run.split(' ').collect::<Vec<_>>(), 1)?;
    let entries = std::fs::read_dir(folder)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: Vec<String> = names.collect::<Result<_>>()?;
    let failure = names
        .iter()
        .find(|name| name.starts_with("attempts_bounded"));
    let failure = failure.context("the failure has a page")?;
    std::fs::copy(folder.join(failure), folder.join("failure.html"))?;
    Ok(())
}

/// Runs the command as a person does, in a folder; what it says on standard output.
fn sim(folder: &Path, arguments: &[&str], code: i32) -> Result<Vec<u8>> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let mut command = Command::new(env!("CARGO"));
    command.args([
        "run",
        "--quiet",
        "--locked",
        "--bin",
        "sim",
        "--manifest-path",
    ]);
    command.arg(manifest);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command
        .arg("--")
        .args(arguments)
        .current_dir(folder)
        .output()?;
    let err = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(code), "{arguments:?}: {err}");
    Ok(output.stdout)
}

fn opens_without_a_complaint(opened: &Opened) -> Result<()> {
    opened.failure()?;
    opened.is_true("document.getElementById('turns') !== null")?;
    // What one would hear is heard: the policy refuses script that is not the page's own.
    opened.ask(
        "(() => { const made = document.createElement('script'); made.textContent = '0'; \
         document.body.append(made); return 0; })()",
    )?;
    opened.is_true("document.querySelectorAll('script').length === 3")?;
    // By the browser's clock.
    let wait = "new Promise(done => setTimeout(() => done(0), 300))";
    opened.tab.evaluate(wait, true)?;
    let heard = opened.complaints();
    ensure!(
        heard.len() == 1 && heard[0].contains("Content Security Policy"),
        "{heard:?}"
    );
    let mut complaints = opened
        .complaints
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    complaints.clear();
    Ok(())
}

fn the_violated_turn_is_seen(opened: &Opened) -> Result<()> {
    opened.failure()?;
    opened.expect_selected("t3", "opening")?;
    opened.is_true(
        "(() => { const at = document.getElementById('t3').getBoundingClientRect(); \
         return at.height > 0 && at.top >= 0 && at.bottom <= innerHeight; })()",
    )?;
    opened.is_true("document.getElementById('t3').textContent.includes('attempts_bounded')")?;
    let shown = "document.querySelector('#details .violation').textContent";
    opened.is_true(&format!(
        "{shown}.includes('no wait after attempt 1 of \"r1\"')"
    ))?;
    opened.is_true(&format!("{shown}.includes('a timer for 0 ns')"))
}

fn keys_move_the_selection(opened: &Opened) -> Result<()> {
    opened.failure()?;
    let keys = [
        ("ArrowUp", "t2"),
        ("ArrowDown", "t3"),
        ("ArrowDown", "t3"),
        ("Home", "t0"),
        ("ArrowUp", "t0"),
        ("ArrowRight", "t1"),
        ("ArrowLeft", "t0"),
        ("End", "t3"),
        ("PageUp", "t0"),
        ("v", "t3"),
        ("f", "t2"),
    ];
    for (key, turn) in keys {
        opened.tab.press_key(key)?;
        opened.expect_selected(turn, key)?;
        let shown = format!(
            "document.querySelector('#details h2').textContent.startsWith('turn {},')",
            &turn[1..]
        );
        opened.is_true(&shown)?;
    }
    Ok(())
}

fn clicks_select(opened: &Opened) -> Result<()> {
    opened.failure()?;
    // On the words of one row, and on the diagram of another.
    opened.tab.find_element("#t1 text")?.click()?;
    opened.expect_selected("t1", "a click")?;
    opened.tab.find_element(".drawing .timer")?.click()?;
    let selected = opened.selected()?;
    ensure!(selected == "t3", "{selected}, by a click on the timer");
    opened.tab.find_element(".violation a")?.click()?;
    opened.expect_selected("t3", "following the link")
}

fn an_address_names_a_turn(opened: &Opened) -> Result<()> {
    opened.go("failure.html#t2")?;
    opened.expect_selected("t2", "opening #t2")?;
    opened.tab.press_key("ArrowDown")?;
    opened.is_true("location.hash === '#t3'")
}

fn is_labelled(opened: &Opened) -> Result<()> {
    opened.failure()?;
    opened.is_true("document.documentElement.lang === 'en' && document.title !== ''")?;
    opened.is_true("document.getElementById('turns').getAttribute('role') === 'listbox'")?;
    opened.is_true("document.getElementById('turns').tabIndex === 0")?;
    opened.is_true("document.getElementById('details').getAttribute('aria-live') === 'polite'")?;
    let names = "[...document.querySelectorAll('[role=option]')].map(row => row.textContent)";
    opened.is_true(&format!("{names}.every(name => name.trim().length > 2)"))?;
    // One comes to the list by the tabulator alone.
    for _ in 0..6 {
        opened.tab.press_key("Tab")?;
        if opened.ask("document.activeElement.id")? == "turns" {
            return Ok(());
        }
    }
    anyhow::bail!("the list of turns is not reached by Tab");
}

fn fits_narrow_and_wide_screens(opened: &Opened) -> Result<()> {
    for width in [400, 700, 1_300, 1_900] {
        opened
            .tab
            .call_method(Emulation::SetDeviceMetricsOverride {
                width,
                height: 800,
                device_scale_factor: 1.0,
                mobile: false,
                scale: None,
                screen_width: None,
                screen_height: None,
                position_x: None,
                position_y: None,
                dont_set_visible_size: None,
                screen_orientation: None,
                viewport: None,
                display_feature: None,
                device_posture: None,
            })?;
        for page in ["failure.html", "index.html"] {
            opened.go(page)?;
            let overflow = "document.documentElement.scrollWidth - innerWidth";
            let over = opened.ask(overflow)?;
            ensure!(
                over.as_i64() <= Some(0),
                "{page} at {width}: {over} pixels too wide"
            );
        }
    }
    Ok(())
}

fn a_campaign_leads_to_its_failures(opened: &Opened) -> Result<()> {
    opened.go("index.html")?;
    opened.is_true("document.body.textContent.includes('Seen in')")?;
    opened.is_true("document.querySelectorAll('.failure').length === 1")?;
    opened.tab.find_element(".failure a")?.click()?;
    opened.tab.wait_until_navigated()?;
    opened.tab.wait_for_element("#turns")?;
    opened.tab.find_element(".back a")?.click()?;
    opened.tab.wait_until_navigated()?;
    opened.tab.wait_for_element(".figures")?;
    Ok(())
}
