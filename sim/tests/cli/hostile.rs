//! Cases that ask for more than a run may take: each ends soon, and says why.

use libtest_mimic::Trial;

use super::{Place, Said, trial};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("hostile", "copies", copies),
        trial("hostile", "crashes", crashes),
        trial("hostile", "decisions", decisions),
        trial("hostile", "names", names),
    ]
}

fn replayed(requests: &[String], schedule: &[String]) -> Said {
    let place = Place::new();
    let (requests, schedule) = (requests.join(","), schedule.join(","));
    place.write(
        "case.json",
        format!(
            r#"{{"format":"sim-case/1","found_by":{{"driver":"hand"}},
            "world":{{"manifest":"","reducers":{{}}}},"requests":[{requests}],
            "schedule":[{schedule}]}}"#
        ),
    );
    place.sim("replay --brief case.json")
}

fn request(name: &str) -> String {
    format!(
        r#"{{"name":"{name}","schema":"demo/RetryEvent@1","value":{{"start":{{"req_id":"{name}",
        "payload":"p","max_attempts":3,"base_delay_ms":10,"now_ns":0}}}}}}"#
    )
}

fn times(count: usize, decision: &str) -> Vec<String> {
    vec![decision.to_owned(); count]
}

fn incomplete(said: &Said, bound: &str) {
    assert_eq!(said.code, 6, "{}{}", said.out, said.err);
    let says = format!("incomplete: it was ended by the bound of {bound}");
    assert!(said.out.contains(&says), "{}", said.out);
}

fn copies() {
    let mut schedule = times(1, r#"{"start":"r1"}"#);
    schedule.extend(times(
        6_000,
        r#"{"duplicate":"WorkRequested","req_id":"r1"}"#,
    ));
    let said = replayed(&[request("r1")], &schedule);
    incomplete(&said, "things that may be in flight");
}

fn crashes() {
    let crash = r#"{"start":"r1","crash":"before_dispatch"}"#;
    let said = replayed(&[request("r1")], &times(20_000, crash));
    incomplete(&said, "bytes that may go through steps");
}

fn decisions() {
    let said = replayed(&[request("r1")], &times(200_001, r#"{"start":"r1"}"#));
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("expected at most 200000 of these"),
        "{}",
        said.err
    );
}

fn names() {
    let requests: Vec<String> = (0..1_001)
        .map(|index| request(&format!("r{index}")))
        .collect();
    let said = replayed(&requests, &times(1, r#"{"start":"r1"}"#));
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("expected at most 1000 of these"),
        "{}",
        said.err
    );
}
