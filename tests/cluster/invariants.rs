//! What must hold after each run, whatever failed: functions over what clients saw and what the nodes answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::load::{Acknowledged, Entries, Moment, Screen};

/// A message in the database.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: i64,
    pub room: i64,
    pub seq: i64,
    pub rev: i64,
    pub body: String,
}

/// The end of a run.
#[derive(Default)]
pub struct Run {
    pub entries: Entries,
    pub database: Vec<Stored>,
    /// What nodes answer at the end, by node and room.
    pub histories: BTreeMap<(usize, i64), Screen>,
    /// Who is online, as each node says.
    pub online: Vec<BTreeSet<i64>>,
    /// The node whose own room it is.
    pub owners: BTreeMap<i64, usize>,
    pub bounds: Bounds,
}

pub struct Bounds {
    /// Until a reader has what was acknowledged.
    pub reading: Duration,
    /// Until nothing more is sent after a removal.
    pub removal: Duration,
    /// How long posts wait at healthy nodes in rooms of their own.
    pub waiting: Duration,
    /// Until `/ready` knows.
    pub readiness: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        let (reading, removal) = (Duration::from_secs(40), Duration::from_secs(15));
        Self {
            reading,
            removal,
            waiting: Duration::from_secs(10),
            readiness: Duration::from_secs(10),
        }
    }
}

type Check = fn(&Run) -> Vec<String>;

const ALL: [(&str, Check); 9] = [
    ("I1", stored_once),
    ("I2", read_once_in_order),
    ("I3", screens_are_right),
    ("I4", numbers_are_whole),
    ("I5", presence_agrees),
    ("I6", nothing_leaks),
    ("I7", healthy_nodes_do_not_wait),
    ("I8", no_fault_but_unavailable),
    ("I9", readiness_is_true),
];

/// All rules that a run breaks, with some examples each.
pub fn broken(run: &Run) -> Vec<String> {
    let found = ALL.iter().flat_map(|(name, check)| {
        let all = check(run);
        let more = all.len().saturating_sub(5);
        let more = (more > 0).then(|| format!("{name}: {more} more"));
        let some: Vec<String> = all.iter().take(5).map(|it| format!("{name}: {it}")).collect();
        some.into_iter().chain(more)
    });
    found.collect()
}

/// Acknowledged messages, without those that the database lost.
fn kept(run: &Run) -> impl Iterator<Item = &Acknowledged> {
    let bodies: BTreeSet<&str> = run.database.iter().map(|stored| &*stored.body).collect();
    let entries = &run.entries;
    entries
        .acknowledged
        .iter()
        .filter(move |message| !is_excused(entries, message.at) || bodies.contains(&*message.body))
}

fn is_excused(entries: &Entries, at: Moment) -> bool {
    entries.excused.iter().any(|(from, to)| (*from..=*to).contains(&at))
}

/// I1: each acknowledged message is in the database once, as it was acknowledged.
fn stored_once(run: &Run) -> Vec<String> {
    let mut found: BTreeMap<&str, Vec<(i64, i64, i64)>> = BTreeMap::new();
    for stored in &run.database {
        found.entry(&stored.body).or_default().push((stored.id, stored.room, stored.seq));
    }
    let mut broken: Vec<String> =
        run.entries.given_up.iter().map(|body| format!("{body} was never stored")).collect();
    for message in kept(run) {
        let places = found.get(&*message.body).map(Vec::as_slice).unwrap_or_default();
        if places != [(message.id, message.room, message.seq)] {
            broken.push(format!("{message:?} is at {places:?}"));
        }
    }
    broken
}

/// I2: each reader has each acknowledged message once, by `rev` ascending, and soon.
fn read_once_in_order(run: &Run) -> Vec<String> {
    let mut broken = Vec::new();
    for (reader, reading) in run.entries.readings.iter().enumerate() {
        let mut revs: BTreeMap<i64, i64> = BTreeMap::new();
        let mut first: BTreeMap<(i64, i64), (&str, Moment)> = BTreeMap::new();
        let mut places: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for applied in &reading.applied {
            let rev = revs.entry(applied.room).or_default();
            if applied.rev <= *rev {
                broken.push(format!("reader {reader}: {applied:?} after rev {rev}"));
            }
            *rev = applied.rev;
            let place = (applied.room, applied.seq);
            let (body, _) = *first.entry(place).or_insert((&applied.body, applied.at));
            let known = *places.entry(&applied.body).or_insert(place);
            if body != applied.body || known != place {
                broken.push(format!("reader {reader}: {applied:?} is {body} at {known:?}, too"));
            }
        }
        // A new epoch shows what there was, later.
        let begin = reading.epochs.last().map_or(Duration::ZERO, |(at, _)| *at);
        for message in kept(run).filter(|message| reading.rooms.contains(&message.room)) {
            match first.get(&(message.room, message.seq)) {
                Some((body, at)) if *body == message.body => {
                    if *at > message.at.max(begin) + run.bounds.reading {
                        broken.push(format!("reader {reader}: {message:?} only at {at:?}"));
                    }
                }
                other => broken.push(format!("reader {reader}: {message:?} is missing: {other:?}")),
            }
        }
    }
    broken
}

/// I3: what a reader shows in the end is what every node answers.
fn screens_are_right(run: &Run) -> Vec<String> {
    let mut broken = Vec::new();
    for (reader, reading) in run.entries.readings.iter().enumerate() {
        for ((node, room), history) in &run.histories {
            if !reading.rooms.contains(room) {
                continue;
            }
            let screen = reading.screen(*room);
            let differs = |seq: &&i64| screen.get(seq) != history.get(seq);
            if let Some(seq) = screen.keys().chain(history.keys()).find(differs) {
                let (shown, there) = (screen.get(seq), history.get(seq));
                broken.push(format!(
                    "reader {reader}, node {node}, room {room}, seq {seq}: {shown:?} is {there:?}"
                ));
            }
        }
    }
    broken
}

/// I4: `seq` has no gap, and no `rev` is used twice.
fn numbers_are_whole(run: &Run) -> Vec<String> {
    let mut rooms: BTreeMap<i64, (BTreeSet<i64>, BTreeSet<i64>, usize)> = BTreeMap::new();
    for stored in &run.database {
        let (seqs, revs, count) = rooms.entry(stored.room).or_default();
        seqs.insert(stored.seq);
        revs.insert(stored.rev);
        *count += 1;
    }
    let mut broken = Vec::new();
    for (room, (seqs, revs, count)) in rooms {
        let last = seqs.last().copied().unwrap_or_default();
        if usize::try_from(last).ok() != Some(count) || seqs.len() != count {
            broken.push(format!("room {room}: {count} messages, the last one is {last}"));
        }
        if revs.len() != count {
            broken.push(format!("room {room}: {count} messages have {} revs", revs.len()));
        }
    }
    broken
}

/// I5: all nodes say of the same people that they are online.
fn presence_agrees(run: &Run) -> Vec<String> {
    let Some(first) = run.online.first() else { return Vec::new() };
    let differs = run.online.iter().enumerate().filter(|(_, online)| *online != first);
    differs.map(|(node, online)| format!("node {node}: {online:?}, node 0: {first:?}")).collect()
}

/// I6: who may no longer see a room is sent nothing more of it.
fn nothing_leaks(run: &Run) -> Vec<String> {
    let mut broken = Vec::new();
    for (reader, reading) in run.entries.readings.iter().enumerate() {
        for leaked in &reading.leaked {
            let removed = reading.removed.get(&leaked.room).copied().unwrap_or_default();
            if leaked.at > removed + run.bounds.removal {
                broken.push(format!("reader {reader}, removed at {removed:?}: {leaked:?}"));
            }
        }
    }
    broken
}

/// I7: while a node is sick, posts at healthy ones in other rooms do not wait for it.
fn healthy_nodes_do_not_wait(run: &Run) -> Vec<String> {
    let mut broken = Vec::new();
    for message in &run.entries.acknowledged {
        let is_near = |room: &i64, sick: &BTreeSet<usize>| {
            sick.contains(&message.first)
                || sick.contains(&message.node)
                || run.owners.get(room).is_none_or(|owner| sick.contains(owner))
        };
        let mut at = run.entries.disturbances.iter();
        let overlapping = |from: Moment, to: Moment| message.sent <= to && message.at >= from;
        let excused = at.any(|it| overlapping(it.from, it.to) && is_near(&message.room, &it.sick));
        if !excused && message.wait() > run.bounds.waiting {
            broken.push(format!("{message:?} waited {:?}", message.wait()));
        }
    }
    broken
}

/// I8: no answer says that Patio made a mistake.
fn no_fault_but_unavailable(run: &Run) -> Vec<String> {
    let faults = run
        .entries
        .refusals
        .iter()
        .filter(|refusal| refusal.status.is_some_and(|status| status >= 500 && status != 503));
    faults.map(|refusal| format!("{refusal:?}")).collect()
}

/// I9: nodes that serve are ready, and those that cannot are not.
fn readiness_is_true(run: &Run) -> Vec<String> {
    let grace = run.bounds.readiness;
    let mut broken = Vec::new();
    for sample in &run.entries.samples {
        let sick = || run.entries.disturbances.iter().filter(|it| it.sick.contains(&sample.node));
        let is_near = sick().any(|it| sample.to >= it.from && sample.from <= it.to + grace);
        if !sample.is_ready && !is_near {
            broken.push(format!("a healthy node is not ready: {sample:?}"));
        }
        let is_inside = |from: Moment, to: Moment| sample.from >= from + grace && sample.to <= to;
        if sample.is_ready && sick().any(|it| it.is_unready && is_inside(it.from, it.to)) {
            broken.push(format!("a node that cannot serve is ready: {sample:?}"));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Applied, Disturbance, Reading, Refusal, Sample};

    const SECOND: Duration = Duration::from_secs(1);

    fn acknowledged(seq: i64) -> Acknowledged {
        Acknowledged {
            body: format!("m{seq}"),
            room: 7,
            id: seq,
            seq,
            rev: seq,
            first: 0,
            node: 0,
            sent: SECOND,
            at: SECOND,
        }
    }

    fn applied(seq: i64) -> Applied {
        Applied { room: 7, seq, rev: seq, body: format!("m{seq}"), at: SECOND }
    }

    fn sample(node: usize, second: u32, is_ready: bool) -> Sample {
        Sample { node, from: SECOND * second, to: SECOND * second, is_ready }
    }

    /// Three messages, one reader and two nodes, one of which was away for a minute.
    fn faultless() -> Run {
        let mut run = Run::default();
        let applied: Vec<Applied> = (1..=3).map(applied).collect();
        run.entries.acknowledged = (1..=3).map(acknowledged).collect();
        let reading = Reading { rooms: [7].into(), applied, ..Reading::default() };
        let screen = reading.screen(7);
        run.entries.readings.push(reading);
        run.histories = [((0, 7), screen.clone()), ((1, 7), screen)].into();
        let stored = |seq| Stored { id: seq, room: 7, seq, rev: seq, body: format!("m{seq}") };
        run.database = (1..=3).map(stored).collect();
        run.online = vec![[1, 2].into(), [1, 2].into()];
        run.owners = [(7, 0)].into();
        let (from, to) = (SECOND * 100, SECOND * 160);
        let away =
            Disturbance { what: "kill".into(), from, to, sick: [1].into(), is_unready: true };
        run.entries.disturbances.push(away);
        run.entries.samples = vec![
            sample(0, 1, true),
            sample(0, 130, true),
            sample(1, 99, true),
            sample(1, 101, true),
            sample(1, 130, false),
            sample(1, 161, false),
            sample(1, 175, true),
        ];
        run
    }

    /// The rules that a run breaks after this change.
    fn after(change: impl FnOnce(&mut Run)) -> BTreeSet<String> {
        let mut run = faultless();
        change(&mut run);
        broken(&run).iter().map(|text| text.split(':').next().expect("a name").to_owned()).collect()
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn faultless_runs_break_no_rule() {
        assert_eq!(broken(&faultless()), Vec::<String>::new());
    }

    #[test]
    fn lost_and_doubled_messages_are_found() {
        let lost = after(|run| drop(run.database.pop()));
        assert_eq!(lost, names(&["I1"]));
        let doubled = after(|run| {
            run.database.push(Stored { id: 4, room: 7, seq: 4, rev: 4, body: "m3".into() });
        });
        assert_eq!(doubled, names(&["I1"]));
        let never = after(|run| run.entries.given_up.push("m4".into()));
        assert_eq!(never, names(&["I1"]));
    }

    #[test]
    fn what_the_database_lost_is_excused_and_must_be_on_no_screen() {
        let lost = |run: &mut Run| {
            run.database.pop();
            run.entries.excused.push((SECOND, SECOND));
            run.histories.values_mut().for_each(|history| drop(history.pop_last()));
        };
        assert_eq!(after(lost), names(&["I3"]));
        let gone = after(|run| {
            lost(run);
            run.entries.readings[0].applied.pop();
        });
        assert_eq!(gone, names(&[]));
        // It excuses no reader that misses what is there.
        let missed = after(|run| {
            run.entries.excused.push((SECOND, SECOND));
            run.entries.readings[0].applied.pop();
        });
        assert_eq!(missed, names(&["I2", "I3"]));
    }

    #[test]
    fn what_a_reader_misses_confuses_or_gets_late_is_found() {
        let missed = after(|run| drop(run.entries.readings[0].applied.remove(1)));
        assert_eq!(missed, names(&["I2", "I3"]));
        let disordered = after(|run| run.entries.readings[0].applied.swap(0, 1));
        assert_eq!(disordered, names(&["I2"]));
        let late = after(|run| run.entries.readings[0].applied[2].at = SECOND * 100);
        assert_eq!(late, names(&["I2"]));
        let twice = after(|run| {
            let again = Applied { seq: 4, rev: 4, ..applied(3) };
            run.entries.readings[0].applied.push(again);
        });
        assert_eq!(twice, names(&["I2", "I3"]));
        let old = after(|run| {
            let newer = (9, "m3".to_owned());
            run.histories.values_mut().for_each(|it| drop(it.insert(3, newer.clone())));
        });
        assert_eq!(old, names(&["I3"]));
    }

    #[test]
    fn gaps_and_repeated_numbers_are_found() {
        let gap = after(|run| run.database[2].seq = 4);
        assert_eq!(gap, names(&["I1", "I4"]));
        let repeated = after(|run| run.database[2].rev = 2);
        assert_eq!(repeated, names(&["I4"]));
    }

    #[test]
    fn nodes_that_disagree_on_presence_are_found() {
        assert_eq!(after(|run| run.online[1].clear()), names(&["I5"]));
    }

    #[test]
    fn what_is_sent_long_after_a_removal_is_found() {
        let leak = |at: Duration| {
            after(|run| {
                let reading = &mut run.entries.readings[0];
                reading.removed.insert(8, SECOND);
                reading.leaked.push(Applied { room: 8, at, ..applied(1) });
            })
        };
        assert_eq!(leak(SECOND * 2), names(&[]));
        assert_eq!(leak(SECOND * 60), names(&["I6"]));
    }

    #[test]
    fn waits_for_another_node_are_found() {
        let wait = |change: fn(&mut Run)| {
            after(|run| {
                let message = &mut run.entries.acknowledged[2];
                (message.sent, message.at) = (SECOND * 110, SECOND * 125);
                run.entries.readings[0].applied[2].at = SECOND * 125;
                change(run);
            })
        };
        assert_eq!(wait(|_| {}), names(&["I7"]));
        assert_eq!(wait(|run| run.entries.acknowledged[2].first = 1), names(&[]), "its own node");
        assert_eq!(wait(|run| run.owners = [(7, 1)].into()), names(&[]), "a room of that node");
    }

    #[test]
    fn faults_are_found_among_refusals() {
        let refusal = |status| {
            after(|run| {
                let at = SECOND;
                let what = String::new();
                run.entries.refusals.push(Refusal { node: 0, status, at, took: SECOND, what });
            })
        };
        assert_eq!(refusal(Some(500)), names(&["I8"]));
        assert_eq!(refusal(Some(502)), names(&["I8"]));
        assert_eq!(refusal(Some(503)), names(&[]));
        assert_eq!(refusal(Some(404)), names(&[]));
        assert_eq!(refusal(None), names(&[]));
    }

    #[test]
    fn untrue_readiness_is_found() {
        let answer = |sample| after(|run| run.entries.samples.push(sample));
        assert_eq!(answer(sample(0, 130, false)), names(&["I9"]));
        assert_eq!(answer(sample(1, 150, true)), names(&["I9"]));
        assert_eq!(answer(sample(1, 300, false)), names(&["I9"]));
    }
}
