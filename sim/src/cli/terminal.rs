//! The terminal: standard output and error, how wide it is, progress, and Ctrl-C.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use sim_record::interrupt::Interrupt;
use sim_report::turns::DEFAULT_WIDTH;
use sim_session::Work;

/// Standard output was closed by its reader.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether there are colours.
#[derive(Clone, Copy, Default, clap::ValueEnum)]
pub(super) enum Color {
    /// Where a terminal has them, and `NO_COLOR` is not set.
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// From here on, for both streams.
    pub fn choose(self) {
        let choice = match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// A stream whose reader may leave: that is no error, and what comes after is not wanted.
pub struct Out<W> {
    stream: W,
    /// Asked when the reader has left.
    interrupt: Interrupt,
}

/// Standard output, with colours where they are wanted.
pub fn out() -> Out<anstream::Stdout> {
    out_for(&Interrupt::default())
}

/// The same for work that is to end when its reader closes the output.
pub fn out_for(interrupt: &Interrupt) -> Out<anstream::Stdout> {
    Out {
        stream: anstream::stdout(),
        interrupt: interrupt.clone(),
    }
}

/// Standard output for machines: as it is.
pub fn raw_out_for(interrupt: &Interrupt) -> Out<io::Stdout> {
    Out {
        stream: io::stdout(),
        interrupt: interrupt.clone(),
    }
}

/// Standard error.
pub fn err() -> Out<anstream::Stderr> {
    Out {
        stream: anstream::stderr(),
        interrupt: Interrupt::default(),
    }
}

/// A line on standard error: of progress, or what depends on time.
pub fn note(line: &str) {
    // Where even this cannot be written, there is nothing left to do.
    let _ = writeln!(err(), "{}", sim_air::printable(line));
}

/// Says on standard error what takes long, as progress is shown: to people only.
pub fn note_progress(line: &str) {
    if io::stderr().is_terminal() {
        note(line);
    }
}

/// Whether the reader of standard output has left.
pub fn is_closed() -> bool {
    IS_CLOSED.load(Ordering::Relaxed)
}

impl<W> Out<W> {
    fn forgiven<T>(&self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                IS_CLOSED.store(true, Ordering::Relaxed);
                self.interrupt.ask();
                Ok(instead)
            }
            result => result,
        }
    }
}

impl<W: Write> Write for Out<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.stream.write(bytes);
        self.forgiven(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.stream.flush();
        self.forgiven(result, ())
    }
}

/// The width of standard output in columns: always the same where it is no terminal.
pub fn width() -> u16 {
    let term = console::Term::stdout();
    match term.size_checked() {
        Some((_, columns)) if term.is_term() => columns.max(60),
        _ => DEFAULT_WIDTH,
    }
}

/// A second signal within this time is the same one: a group and each of its processes may be asked
/// to end.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// Asked by Ctrl-C, or when the process is asked to end; a second time ends it at once.
pub fn interrupt() -> Interrupt {
    let interrupt = Interrupt::default();
    let asked = interrupt.clone();
    let mut first: Option<Instant> = None;
    let handler = move || {
        #[expect(clippy::disallowed_methods, reason = "signals are known by their time")]
        let now = Instant::now();
        match first {
            None => {
                first = Some(now);
                asked.ask();
                note("stopping: what was found is written (again to end at once)");
            }
            Some(first) if now.duration_since(first) < SAME_SIGNAL => {}
            Some(_) => std::process::exit(super::Exit::Interrupted as i32),
        }
    };
    // Where signals cannot be caught, Ctrl-C ends the process as it always did.
    let _ = ctrlc::set_handler(handler);
    interrupt
}

/// How the shrinking of one failure after the other goes, on standard error.
#[derive(Default)]
pub struct ShrinkProgress(RefCell<Option<Progress>>);

impl ShrinkProgress {
    pub fn show(&self, work: Work) {
        let mut progress = self.0.borrow_mut();
        match work {
            Work::Attempt {
                attempts,
                decisions,
            } => {
                let progress = progress.get_or_insert_with(|| Progress::new(None, "attempts"));
                progress.update(attempts, |_| format!("{decisions} decisions"));
            }
            // The bar goes; lines come now and then, however many failures there are.
            Work::Done => {
                if let Some(bar) = progress.take_if(|progress| progress.bar.is_some()) {
                    bar.finish();
                }
            }
        }
    }
}

/// Progress on standard error: a bar on a terminal, a line now and then elsewhere.
pub struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
    /// When a line was last written, or the bar's text made.
    last: Cell<Duration>,
    /// How much there is to do, if that is known.
    total: Option<u64>,
    unit: &'static str,
}

/// Time between two lines of progress where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Time between two changes of a bar.
const BAR_EVERY: Duration = Duration::from_millis(50);

impl Progress {
    #[expect(
        clippy::disallowed_methods,
        reason = "progress and rates are shown, on standard error"
    )]
    pub fn new(total: Option<u64>, unit: &'static str) -> Progress {
        let bar = io::stderr().is_terminal().then(|| {
            let (bar, template) = match total {
                Some(total) => (
                    ProgressBar::new(total),
                    format!("{{bar:32}} {{pos}}/{{len}} {unit}, {{msg}}"),
                ),
                None => (
                    ProgressBar::new_spinner(),
                    format!("{{spinner}} {{pos}} {unit}, {{msg}}"),
                ),
            };
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style);
            }
            bar
        });
        Progress {
            bar,
            started: Instant::now(),
            last: Duration::ZERO.into(),
            total,
            unit,
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// So much is done; `text` says more, if it is time for it.
    pub fn update(&self, done: u64, text: impl FnOnce(f64) -> String) {
        let elapsed = self.elapsed();
        let every = if self.bar.is_some() {
            BAR_EVERY
        } else {
            LINE_EVERY
        };
        if elapsed.saturating_sub(self.last.get()) < every {
            return;
        }
        self.last.set(elapsed);
        let seconds = elapsed.as_secs_f64();
        let mut text = text(seconds);
        if let Some(total) = self.total.filter(|_| done > 0) {
            let left = seconds * total.saturating_sub(done) as f64 / done as f64;
            text.push_str(&format!(", {} left", duration(left)));
        }
        match (&self.bar, self.total) {
            (Some(bar), _) => {
                bar.set_position(done);
                bar.set_message(text);
            }
            (None, Some(total)) => note(&format!("{done}/{total} {}, {text}", self.unit)),
            (None, None) => note(&format!("{done} {}, {text}", self.unit)),
        }
    }

    /// Takes the bar away, so that something else can be shown.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A time that is still to go.
fn duration(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
