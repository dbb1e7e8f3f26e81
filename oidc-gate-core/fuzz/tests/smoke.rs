//! Every target over its seeds, as they are and changed a little. The changes are the same in every run.

use oidc_gate_fuzz::{TARGETS, Target};
use std::{any::Any, fs, panic, path::PathBuf};

/// How many changed inputs each target gets.
const CHANGED: usize = 20_000;

#[test]
fn no_target_breaks_a_promise() {
    let mut failures = vec![];
    for (name, target) in TARGETS {
        let seeds = seeds(name);
        assert!(seeds.len() > 3, "{name} has hardly any seeds");
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let changed = (0..CHANGED).map(|_| change(&seeds, &mut random));
        let inputs = seeds.iter().cloned().chain(changed);
        failures.extend(
            inputs
                .filter_map(|input| failure(target, &input).map(|why| format!("{name}: {why}")))
                .take(1),
        );
    }
    assert_eq!(failures, [""; 0]);
}

/// The input and what the target said of it, if it panicked.
fn failure(target: Target, input: &[u8]) -> Option<String> {
    let said = panic::catch_unwind(|| target(input)).err()?;
    Some(format!("{}: \"{}\"", message(&*said), input.escape_ascii()))
}

fn message(said: &(dyn Any + Send)) -> &str {
    let text = said.downcast_ref::<&str>().copied();
    text.or_else(|| said.downcast_ref::<String>().map(|text| &**text))
        .unwrap_or("a panic")
}

/// In the order of their names, so that a run can be repeated.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(target);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
        .iter()
        .map(|file| fs::read(file).expect("a seed"))
        .collect()
}

/// One seed with a few changes: bytes flipped, put in, taken out or doubled, and pieces of other seeds put in.
fn change(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    const TELLING: &[u8] = b"/\\.%;:@?#&=+\"{}[],0-9eE \t\r\n\0\x7f\x80\xc0\xff-_A2f";
    let mut bytes = random.one_of(seeds).clone();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let until = (at + 1 + random.below(8)).min(bytes.len());
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = *random.one_of(TELLING),
            2 => bytes.insert(at, *random.one_of(TELLING)),
            3 => drop(bytes.drain(at..until)),
            4 => {
                let again = bytes[at..until].to_vec();
                bytes.splice(at..at, again);
            }
            _ => {
                let other = random.one_of(seeds);
                let from = random.below(other.len() + 1);
                let to = (from + random.below(40)).min(other.len());
                bytes.splice(at..until, other[from..to].iter().copied());
            }
        }
    }
    bytes
}

/// xorshift64: nothing here has to be unpredictable.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}
