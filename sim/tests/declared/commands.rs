//! Every command takes a `sim.toml` as it is, and says the same each time.

use std::fs;

use libtest_mimic::Trial;

use super::{leases, trial};
use crate::cli::Place;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("commands", "the_same_each_time", the_same_each_time),
        trial("commands", "cases", cases),
        trial("commands", "names_of_cases", names_of_cases),
        trial("commands", "after_a_change", after_a_change),
        trial("commands", "exploring", exploring),
        trial("commands", "in_its_folder", in_its_folder),
        trial("commands", "formats_and_pages", formats_and_pages),
    ]
}

const TWICE: &str = "[properties.once]\nalways = \"state.token < 2\"\n\
    when = \"state != null\"\nsays = \"nobody has it twice\"\n\
    [counters.all]\ncount = \"changed\"\nby = \"'all'\"\n";

fn the_same_each_time() {
    let place = leases(TWICE);
    let said = |options: &str| {
        let _ = fs::remove_dir_all(place.path("found"));
        let said = place.sim(&format!("run --world w --case-dir found {options}"));
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        said.out
    };
    let first = said("--jobs 1");
    assert_eq!(said("--jobs 1"), first);
    assert_eq!(said("--jobs 4"), first);
    assert!(said("--jobs 1 --twice").contains("nobody has it twice"));
}

/// The case of a failure, which has the hash of `sim.toml`.
fn found(place: &Place) -> String {
    let said = place.sim("run --world w --case-dir found --most-failures 1");
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    let cases = place.list("found");
    assert_eq!(cases.len(), 1, "{cases:?}");
    format!("found/{}", cases[0])
}

/// A property may be called as nothing in a folder can be; its case stays there.
fn names_of_cases() {
    let property = "[properties.\"../a b/c: 1/3\"]\nalways = \"state.token < 2\"\n";
    let place = leases(property);
    let case = found(&place);
    assert!(case.starts_with("found/---a-b-c--1-3-"), "{case}");
    let said = place.sim(&format!("replay {case} --world w"));
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
}

fn cases() {
    let place = leases(TWICE);
    let case = found(&place);
    let text = fs::read_to_string(place.path(&case)).expect("it can be read");
    assert!(text.contains("\"declared\":\"sha256:"), "{text}");
    let said = place.sim(&format!("replay {case} --world w"));
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(
        said.out.contains("  once at turn 2: nobody has it twice\n"),
        "{}",
        said.out
    );
    assert!(
        !said.out.contains("when the case was written"),
        "{}",
        said.out
    );
    let said = place.sim(&format!("shrink {case} --world w"));
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    let said = place.sim(&format!("coverage {case} --world w"));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("lease/Lease@1"), "{}", said.out);
}

/// A case that was written beside another `sim.toml`, or none, says so.
fn after_a_change() {
    let place = leases(TWICE);
    let case = found(&place);
    let text = fs::read_to_string(place.path("w/sim.toml")).expect("it can be read");
    place.write("w/sim.toml", text.replace("token < 2", "token < 9"));
    let said = place.sim(&format!("replay {case} --world w"));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("\nsim.toml was sha256:"), "{}", said.out);
    assert!(
        said.out
            .contains("\nwhen the case was written, it violated once\n"),
        "{}",
        said.out
    );
    let said = place.sim(&format!("shrink {case} --world w"));
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert!(said.err.contains("another sim.toml"), "{}", said.err);
    fs::remove_file(place.path("w/sim.toml")).expect("it is there");
    let said = place.sim(&format!("replay {case} --world w --wasm w/lease.wasm"));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let told = "this case was written beside a sim.toml, and none is here";
    assert!(said.out.contains(told), "{}", said.out);
}

/// The bounds are those of the file, unless the command line has others.
fn exploring() {
    let bounds = "[explore]\nrequests = 1\nduplicates = 0\ndrops = 1\ncrashes = 1\nspurious = 1\n\
        values = 2\n";
    let place = leases(&format!("{TWICE}{bounds}"));
    let said = place.sim("explore --world w --case-dir found --jobs 1");
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("  once at turn "), "{}", said.out);
    let holds = format!("{bounds}[properties.p]\nalways = \"state.token < 3\"\n");
    let place = leases(&holds);
    let explore = |options: &str| {
        let said = place.sim(&format!("explore --world w --case-dir found {options}"));
        // A client or two are never accepted in a world so small.
        assert_eq!(said.code, 5, "{}{}", said.out, said.err);
        said.out
    };
    let out = explore("--jobs 1");
    let told = "every schedule of 1 request, 1 drop, 1 spurious event, 1 crash holds";
    assert!(out.contains(told), "{out}");
    assert!(out.contains("6 events of 3 clients: "), "{out}");
    assert_eq!(explore("--jobs 4"), out);
    let out = explore("--drops 0 --crashes 0");
    assert!(
        out.contains("every schedule of 1 request, 1 spurious event holds"),
        "{out}"
    );
}

/// Without `--world`, where `sim.toml` is here; with its documents elsewhere.
fn in_its_folder() {
    let place = leases("");
    for name in place.list("w") {
        let text = fs::read(place.path(&format!("w/{name}"))).expect("it can be read");
        let to = if name.ends_with(".json") {
            "documents/"
        } else {
            ""
        };
        place.write(&format!("{to}{name}"), text);
    }
    let text = fs::read_to_string(place.path("sim.toml")).expect("it can be read");
    place.write(
        "sim.toml",
        text.replacen("\n", "\ndocuments = \"documents\"\n", 1),
    );
    let said = place.sim("run --seeds 0..100 --case-dir found");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    let said = place.sim("check --strict");
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(
        said.out
            .contains("sim.toml: 3 clients, 0 kinds of work answered,"),
        "{}",
        said.out
    );
    // What is given by hand comes first.
    place.write("none.wasm", "none");
    let said = place.sim("run --wasm none.wasm --seeds 0..1");
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    assert!(said.err.contains("none.wasm"), "{}", said.err);
}

fn formats_and_pages() {
    let place = leases(TWICE);
    for format in ["json", "junit"] {
        let said = place.sim(&format!("run --world w --case-dir found --format {format}"));
        assert_eq!(said.code, 1, "{}{}", said.out, said.err);
        assert!(said.out.contains("nobody has it twice"), "{}", said.out);
    }
    let said = place.sim("run --world w --case-dir found --html report");
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    let index = fs::read_to_string(place.path("report/index.html")).expect("it is written");
    assert!(index.contains("nobody has it twice"));
    let case = format!("found/{}", place.list("found")[0]);
    let said = place.sim(&format!("replay {case} --world w --html page.html"));
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    let page = fs::read_to_string(place.path("page.html")).expect("it is written");
    assert!(page.contains("nobody has it twice"));
}
