//! Runs as sequence diagrams in Mermaid: one is pinned, and nothing in a document or a case is syntax
//! in them. That Mermaid reads them was tried once, with its own parser.

use expect_test::expect;
use libtest_mimic::Trial;
use sim::report::mermaid::diagram;
use sim::report::timeline::{Arrow, Bar, Place, Timeline, TimelineStep, TimelineTurn, Violated};

use crate::support::trial;

pub fn trials() -> Vec<Trial> {
    let trials: [(&str, fn()); 4] = [
        ("names_are_no_syntax", names_are_no_syntax),
        ("a_long_run_is_cut", a_long_run_is_cut),
        ("cells_have_lanes", cells_have_lanes),
        ("nothing_ran", nothing_ran),
    ];
    let trials = trials.into_iter();
    trials
        .map(|(name, test)| trial(format!("mermaid::{name}"), test))
        .collect()
}

/// What would end a line, a block or the diagram, or turn into markup or a directive.
const HOSTILE: &str = "end; #35; <b>\"x\"</b>\n%%{init: {}}%% p0->>p1: y";

fn arrow((from, from_turn): (Place, usize), (to, to_turn): (Place, usize), text: &str) -> Arrow {
    Arrow {
        from,
        from_turn,
        to,
        to_turn,
        text: text.to_owned(),
        is_fault: false,
    }
}

fn step(reducer: &str, cell: Option<&str>) -> TimelineStep {
    TimelineStep {
        reducer: reducer.to_owned(),
        cell: cell.map(str::to_owned),
        before: None,
        after: Some(serde_json::json!({ "total": 1 })),
        refused: None,
    }
}

/// Three turns in which every text is this one.
fn told(text: &str) -> Timeline {
    let turn = |steps: Vec<TimelineStep>| TimelineTurn {
        decision: text.to_owned(),
        steps,
        ..TimelineTurn::default()
    };
    let bar = |place| Bar {
        place,
        from_turn: 0,
        to_turn: None,
        text: text.to_owned(),
        moves: vec![(1, "moves".to_owned())],
    };
    let refused = TimelineStep {
        refused: Some(text.to_owned()),
        ..step(text, Some(text))
    };
    let (client, reducer) = (Place::Client, Place::Reducer(0));
    Timeline {
        reducers: vec![text.to_owned()],
        turns: vec![turn(vec![refused]), turn(vec![]), turn(vec![])],
        arrows: vec![
            arrow((client, 0), (reducer, 0), text),
            arrow((reducer, 0), (Place::Timer(0), 0), text),
            arrow((reducer, 0), (Place::Lost, 2), text),
        ],
        bars: vec![bar(Place::Plan(0)), bar(Place::Timer(0))],
        violations: vec![Violated {
            invariant: text.to_owned(),
            says: text.to_owned(),
            turn: 2,
            expected: text.to_owned(),
            found: text.to_owned(),
        }],
        liveness_from: Some(2),
        any: Vec::new(),
    }
}

/// Each line is one of ours up to its text, and in the text nothing is left that means anything.
fn names_are_no_syntax() {
    let hostile = diagram(&told(HOSTILE));
    let harmless = diagram(&told("word"));
    assert_eq!(hostile.lines().count(), harmless.lines().count());
    for (hostile, harmless) in hostile.lines().zip(harmless.lines()) {
        let split = |line: &str| -> (String, String) {
            let text = line.split_once(": ").or_else(|| line.split_once(" as "));
            let (begin, text) = text.unwrap_or((line, ""));
            (begin.to_owned(), text.to_owned())
        };
        let ((begin, text), (other, _)) = (split(hostile), split(harmless));
        assert_eq!(begin, other, "{hostile}");
        let mut rest = text.as_str();
        while let Some((plain, entity)) = rest.split_once('#') {
            assert!(plain.chars().all(is_plain), "{hostile}");
            let (number, after) = entity.split_once(';').expect("a number ends");
            assert!(number.parse::<u32>().is_ok(), "{hostile}");
            rest = after;
        }
        assert!(rest.chars().all(is_plain), "{hostile}");
        let words = text.split(|char: char| !char.is_alphanumeric() && !"#;".contains(char));
        assert!(words.clone().all(|word| word != "end"), "{hostile}");
    }
    expect![[r#"
        sequenceDiagram
            participant p0 as client
            participant p1 as #101;nd#59; #35;35#59; #60;b#62;#34;x#34;#60;/b#62;#92;n#37;#37;#123;init#58; #123;#125;…
            participant p2 as #101;nd#59;
            participant p3 as #101;nd#59; 2
            participant p4 as lost
            p0->>p1: 0 #101;nd#59; #35;35#59; #60;b#62;#34;x#34;#60;/b#62;#92;n#37;#37;#123;init#58; #123;#125;#125;#37;#37; p0#45;#62;#62;p1#58; y
            Note over p1: refused#58; #101;nd#59; #35;35#59; #60;b#62;#34;x#34;#60;/b#62;#92;n#37;#37;#123;init#58; #123;#125;#125;#37;#37; p0#45;#62;#62;p1#58; y
            p1->>p3: #101;nd#59; #35;35#59; #60;b#62;#34;x#34;#60;/b#62;#92;n#37;#37;#123;init#58; #123;#125;#125;#37;#37; p0#45;#62;#62;p1#58; y
            Note over p2: 1 #101;nd#59; #35;35#59; #60;b#62;#34;x#34;#60;/b#62;#92;n#37;#37;#123;init#58; #123;#125;#125;#37;#37; p0#45;#62;#62;p1#58; y
            Note over p0,p4: faults stop here
            rect rgba(255, 0, 0, 0.12)
            p1-xp4: 2 #101;nd#59; #35;35#59; #60;b#62;#34;x#34;#60;/b#62;#92;n#37;#37;#123;init#58; #123;#125;#125;#37;#37; p0#45;#62;#62;p1#58; y, sent in 0
            Note over p0,p4: violates #101;nd#59; #35;35#59; #60;b#62;#34;x#34;#60;/b#62;#92;n#37;#37;#123;init#58; #123;#125;#125;#37;#37; p0#45;#62;#62;p1#58; y
            Note over p0,p4: expected #101;nd#59; #35;35#59; #60;b#62;#34;x#34;#60;/b#62;#92;n#37;#37;#123;init#58; #123;#125;#125;#37;#37; p0#45;#62;#62;p1#58; y
            Note over p0,p4: found #101;nd#59; #35;35#59; #60;b#62;#34;x#34;#60;/b#62;#92;n#37;#37;#123;init#58; #123;#125;#125;#37;#37; p0#45;#62;#62;p1#58; y
            end
    "#]].assert_eq(&hostile);
}

fn is_plain(char: char) -> bool {
    char.is_alphanumeric() || " .,_()/=→…".contains(char)
}

fn a_long_run_is_cut() {
    let turns = |count: usize| {
        let turn = |index: usize| TimelineTurn {
            decision: format!("advance to {index}"),
            ..TimelineTurn::default()
        };
        Timeline {
            turns: (0..count).map(turn).collect(),
            ..Timeline::default()
        }
    };
    let whole = diagram(&turns(100));
    assert_eq!(whole.lines().count(), 102);
    let text = diagram(&turns(101));
    assert!(
        text.ends_with("advance to 99\n    Note over p0: 1 turn more\n"),
        "{text}"
    );
    let mut violated = turns(300);
    violated.violations = vec![Violated {
        turn: 200,
        ..told("word").violations.remove(0)
    }];
    let text = diagram(&violated);
    let begin = "    participant p0 as client\n    Note over p0: 101 turns before\n";
    assert!(
        text.contains(&format!("{begin}    Note over p0: 101 advance to 101\n")),
        "{text}"
    );
    assert!(
        text.ends_with("    end\n    Note over p0: 99 turns more\n"),
        "{text}"
    );
    assert!(text.len() < 50_000);
}

/// A message for each cell that saw the event, whichever cell sent it.
fn cells_have_lanes() {
    let turn = |decision: &str, steps| TimelineTurn {
        decision: decision.to_owned(),
        steps,
        ..TimelineTurn::default()
    };
    let timeline = Timeline {
        reducers: vec!["Shop".to_owned(), "Account".to_owned()],
        turns: vec![
            turn("start e1", vec![step("Shop", None)]),
            turn(
                "deliver Paid",
                vec![
                    step("Account", Some("\"a\"")),
                    step("Account", Some("\"b\"")),
                ],
            ),
        ],
        arrows: vec![
            arrow((Place::Client, 0), (Place::Reducer(0), 0), "start"),
            arrow((Place::Reducer(0), 0), (Place::Reducer(1), 1), "Paid"),
        ],
        ..Timeline::default()
    };
    expect![[r#"
        sequenceDiagram
            participant p0 as client
            participant p1 as Shop
            participant p2 as Account #34;a#34;
            participant p3 as Account #34;b#34;
            p0->>p1: 0 start e1
            Note over p1: new#58; total 1
            p1->>p2: 1 deliver Paid, sent in 0
            p1->>p3: 1 deliver Paid, sent in 0
            Note over p2: new#58; total 1
            Note over p3: new#58; total 1
    "#]]
    .assert_eq(&diagram(&timeline));
}

fn nothing_ran() {
    expect![[r#"
        sequenceDiagram
            participant p0 as client
            Note over p0: nothing ran
    "#]]
    .assert_eq(&diagram(&Timeline::default()));
}
