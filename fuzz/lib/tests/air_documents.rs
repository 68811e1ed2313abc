//! The target `air_documents`: its seeds, its mutator, and that each of its checks can fail.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use sim::air::{self, Air, Diagnostics, Hash, SchemaId, Schemas, Source, Value, ValueError};
use sim_fuzz::air_documents::values::Codec;
use sim_fuzz::air_documents::{Ending, Subject, run, seeds};
use sim_fuzz::json::{Layout, Tree};
use sim_fuzz::mutate_json::Mutator;
use sim_fuzz::seeds::Sown;

/// A world with a bit of everything.
const WORLD: &str = include_str!("../../../sim/tests/air/base.air.json");

/// What does not hold of an input when the subject has a fault.
fn broken(data: &str, subject: Subject) -> String {
    assert!(run(data.as_bytes(), &Subject::SHIPPED).is_ok());
    let broken = run(data.as_bytes(), &subject).expect_err("the fault is found");
    broken.root_cause().to_string()
}

#[test]
fn seeds_pass() {
    let seeds = seeds().expect("they can be read");
    let mut worlds = 0;
    for seed in &seeds {
        let ending = run(&seed.content, &Subject::SHIPPED);
        let ending = ending.unwrap_or_else(|broken| panic!("{}: {broken:#}", seed.name));
        assert_ne!(ending, Ending::NotJson, "{}", seed.name);
        if seed.name.ends_with("world.air.json") {
            assert_eq!(ending, Ending::Accepted, "{}", seed.name);
            worlds += 1;
        }
    }
    assert!(worlds >= 4, "{worlds} whole worlds");
}

#[test]
fn mutants_pass() {
    let seeds = seeds().expect("they can be read");
    let mutator = Mutator::of(&seeds);
    let is_world = |seed: &&Sown| seed.name.ends_with("world.air.json");
    let worlds: Vec<&Sown> = seeds.iter().filter(is_world).collect();
    let mut counts = [0; 3];
    for seed in 1..1_000 {
        // One document alone is no world.
        let data = match seed % 2 {
            0 => &seeds[seed as usize % seeds.len()].content,
            _ => &worlds[seed as usize % worlds.len()].content,
        };
        let other = &seeds[seed as usize * 7 % seeds.len()].content;
        let made = match seed % 3 {
            0 => mutator.cross(data, other, seed, &mut flip),
            _ => mutator.mutate(data, seed, &mut flip),
        };
        let Some(made) = made else { continue };
        let ending = run(made.as_bytes(), &Subject::SHIPPED);
        counts[ending.unwrap_or_else(|broken| panic!("{broken:#}\n{made}")) as usize] += 1;
    }
    let [not_json, refused, accepted] = counts;
    assert_eq!(not_json, 0, "what is made of JSON is JSON");
    assert!(accepted > 60, "{accepted} accepted, {refused} refused");
}

/// Stands in for libFuzzer.
fn flip(bytes: &mut Vec<u8>) {
    match bytes.last_mut() {
        Some(last) => *last ^= 1,
        None => bytes.push(b'a'),
    }
}

#[test]
fn mutations_follow_from_the_seed() {
    let mutator = Mutator::of(&seeds().expect("they can be read"));
    let made = |seed| mutator.mutate(WORLD.as_bytes(), seed, &mut flip);
    assert_eq!(made(8), None, "bytes are left to libFuzzer");
    assert!((1..8).all(|seed| made(seed).is_some() && made(seed) == made(seed)));
    assert_ne!(made(1), made(2));
    assert_eq!(mutator.mutate(b"{", 1, &mut flip), None, "it is not JSON");
}

#[test]
fn what_is_not_json_is_not_kept() {
    for data in [&b"\xff"[..], b"", b"{", b"{\"a\":1,}", b"\xef\xbb\xbf{}"] {
        let ending = run(data, &Subject::SHIPPED).expect("it is refused");
        assert_eq!(ending, Ending::NotJson);
    }
}

#[test]
fn texts_that_are_written_wrong_are_found() {
    let subject = |write| Subject {
        write,
        ..Subject::SHIPPED
    };
    let renamed = broken(
        WORLD,
        subject(|tree, layout| tree.write(layout).replace("t/Text@1", "t/Taxt@1")),
    );
    assert!(
        renamed.starts_with("Compact, it is another world"),
        "{renamed}"
    );
    let only_escaped = broken(
        WORLD,
        subject(|tree, layout| match layout {
            Layout::Escaped => "[]".to_owned(),
            layout => tree.write(layout),
        }),
    );
    assert!(
        only_escaped.starts_with("Escaped, it is refused"),
        "{only_escaped}"
    );
}

#[test]
fn a_loader_that_is_moody_is_found() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    fn moody(sources: &[Source]) -> Result<Air, Diagnostics> {
        let mut loaded = air::load(sources);
        if let Err(diagnostics) = &mut loaded {
            diagnostics.list[0].message += &CALLS.fetch_add(1, Relaxed).to_string();
        }
        loaded
    }
    let load = |load| Subject {
        load,
        ..Subject::SHIPPED
    };
    let found = broken("[]", load(moody));
    assert!(found.starts_with("refused in two ways"), "{found}");
    let order = broken(
        WORLD,
        load(|sources| {
            let mut air = air::load(sources)?;
            air.manifest_hash = Hash::of(sources[0].text.as_bytes());
            Ok(air)
        }),
    );
    assert!(order.starts_with("Compact, it is another world"), "{order}");
    let hash = broken(
        WORLD,
        load(|sources| {
            let mut air = air::load(sources)?;
            air.documents.iter_mut().for_each(|it| it.hash = Hash::ZERO);
            Ok(air)
        }),
    );
    assert!(hash.starts_with("the hash of defschema `t/"), "{hash}");
}

/// Each fault of a report, and what is said of it.
#[test]
fn misleading_reports_are_found() {
    let text = "[\n  {\"$kind\": \"defschema\", \"nmae\": 1}]";
    let found = |fault: fn(&mut Diagnostics)| {
        thread_local! {
            static FAULT: std::cell::Cell<fn(&mut Diagnostics)> = const {
                std::cell::Cell::new(|_| {})
            };
        }
        FAULT.set(fault);
        let load = |sources: &[Source]| {
            air::load(sources).map_err(|mut diagnostics| {
                FAULT.get()(&mut diagnostics);
                diagnostics
            })
        };
        let subject = Subject {
            load,
            ..Subject::SHIPPED
        };
        assert!(run(text.as_bytes(), &Subject::SHIPPED).is_ok());
        let broken = run(text.as_bytes(), &subject).expect_err("the fault is found");
        broken.root_cause().to_string()
    };
    let says = |fault, what: &str| {
        let said = found(fault);
        assert!(said.starts_with(what), "{said}");
    };
    says(|it| it.list.clear(), "refused without a reason");
    says(|it| it.list.reverse(), "a report that is not in order");
    says(
        |it| it.list = vec![it.list[0].clone(); 201],
        "a report of 201",
    );
    says(
        |it| it.list[0].file.push('x'),
        "the place is in another file",
    );
    says(|it| it.list[0].line = 3, "there is no such line");
    says(|it| it.list[0].line = 0, "there is no such line");
    says(|it| it.list[1].column = 0, "columns count from 1");
    says(|it| it.list[1].column = 99, "the line has no such column");
    says(|it| it.list[1].column += 2, "no value and no name begins");
    says(
        |it| it.list[1].pointer = "/7".to_owned(),
        "the pointer leads",
    );
}

#[test]
fn reports_that_order_the_terminal_about_are_found() {
    let show = |show| Subject {
        show,
        ..Subject::SHIPPED
    };
    let line = broken("[]", show(|it| format!("{it}\n  hint: none")));
    assert!(line.contains("a line of the report"), "{line}");
    let order = broken("[]", show(|it| format!("{it}\u{1b}")));
    assert!(order.contains("shown with the control"), "{order}");
}

#[test]
fn pins_that_do_not_stay_are_found() {
    let pin = |pin| Subject {
        pin,
        ..Subject::SHIPPED
    };
    let growing = broken(
        WORLD,
        pin(|source, module, hash| Ok(air::pin(source, module, hash)? + " ")),
    );
    assert!(growing.starts_with("the same pin for `t/Mach"), "{growing}");
    let elsewhere = broken(
        WORLD,
        pin(|source, module, hash| {
            Ok(air::pin(source, module, hash)?.replace("\"expiry_ns\": 9", "\"expiry_ns\": 8"))
        }),
    );
    assert!(
        elsewhere.starts_with("once `t/Machine@1` is pinned it is a"),
        "{elsewhere}"
    );
    let nothing = broken(WORLD, pin(|source, _, _| Ok(source.text.clone())));
    assert!(
        nothing.starts_with("once `t/Machine@1` is pinned it is a"),
        "{nothing}"
    );
}

#[test]
fn values_that_do_not_survive_are_found() {
    let codec = |codec| Subject {
        codec,
        ..Subject::SHIPPED
    };
    let shipped = Codec::SHIPPED;
    fn forgets(schemas: &Schemas, id: SchemaId, bytes: &[u8]) -> Result<Value, ValueError> {
        let decoded = schemas.decode(id, bytes)?;
        let plain = sim::model::sample::plainest(schemas, schemas.ty(id));
        Ok(if decoded == plain { decoded } else { plain })
    }
    let decode = codec(Codec {
        decode: forgets,
        ..shipped
    });
    assert!(run(WORLD.as_bytes(), &decode).is_err());
    let to_json = codec(Codec {
        to_json: |schemas, id, value| match schemas.value_to_json(id, value) {
            serde_json::Value::String(text) => text.to_uppercase().into(),
            other => other,
        },
        ..shipped
    });
    let text = r#"[{"$kind": "defschema", "name": "t/Text@1", "type": {"set": {"text": {}}}},
        {"$kind": "manifest", "air_version": "1", "schemas": [{"name": "t/Text@1"}],
        "modules": [], "plans": [], "effects": [], "caps": [], "policies": []}]"#;
    assert!(run(text.as_bytes(), &to_json).is_ok(), "a set is no text");
    let text = text.replace("{\"set\": {\"text\": {}}}", "{\"text\": {}}");
    // Which values are tried depends on the text; one of these has small letters in it.
    let caught = (0..8).any(|spaces| {
        let text = format!("{}{text}", " ".repeat(spaces));
        run(text.as_bytes(), &to_json).is_err()
    });
    assert!(caught);
}

#[test]
fn trees_are_written_as_they_are_read() {
    let text = r#"{"b":1,"a":[null,-1,true,"\"\n"],"b":{}}"#;
    let tree = Tree::read(text).expect("it is JSON");
    assert_eq!(tree.write(Layout::Compact), text);
    assert_eq!(
        tree.write(Layout::Backwards),
        r#"{"b":{},"a":[null,-1,true,"\"\n"],"b":1}"#
    );
    for layout in [Layout::Lines, Layout::Escaped] {
        assert_eq!(Tree::read(&tree.write(layout)).ok().as_ref(), Some(&tree));
    }
    assert!(tree.has("/a/3") && tree.has("/b") && tree.has(""));
    assert!(!tree.has("/a/4") && !tree.has("/c") && !tree.has("/b/0"));
}
