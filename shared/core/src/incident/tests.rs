use proptest::prelude::*;

use super::*;
use crate::incident::Occurrence;

const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn incident() -> Incident {
    let occurrence = Occurrence::of("all", IncidentKind::BruteForce, "all_accounts", "192.0.2.1".into(), NOON);
    Incident {
        id: occurrence.incident_id(),
        kind: occurrence.kind,
        severity: occurrence.kind.severity(),
        subject: occurrence.subject,
        account_key: None,
        reason: occurrence.reason.to_owned(),
        ip: occurrence.ip,
        status: IncidentStatus::Open,
        occurrences: 1,
        created_at: NOON,
        last_occurred_at: NOON,
        updated_at: NOON,
        version: 0,
        assigned_to: None,
        resolution: None,
        timeline: Vec::new(),
        timeline_cut: 0,
        told: Told::default(),
        expires_at: None,
    }
}

fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

#[test]
fn r53_only_the_drawn_transitions_are_legal() {
    let actions = [
        Action::Assign(Some(text("ann"))),
        Action::Note(text("seen")),
        Action::Investigate,
        Action::Resolve(text("done")),
        Action::FalsePositive(text("a test")),
        Action::Reopen(text("again")),
    ];
    let table = [
        (IncidentStatus::Open, "assign note investigate resolve false-positive"),
        (IncidentStatus::Investigating, "assign note resolve false-positive"),
        (IncidentStatus::Resolved, "note reopen"),
        (IncidentStatus::FalsePositive, "note reopen"),
    ];
    for (status, legal) in table {
        let from = Incident { status, ..incident() };
        let done: Vec<&str> =
            actions.iter().filter(|action| from.apply(action, "ann", NOON).is_ok()).map(|action| action.verb().as_str()).collect();
        assert_eq!(done.join(" "), legal, "{status:?}");
        assert_eq!(from.legal_actions(), done);
    }
}

#[test]
fn r56_the_resolver_is_kept_apart_from_whom_it_was_assigned_to() {
    let assigned = incident().apply(&Action::Assign(Some(text("ann"))), "ben", NOON).unwrap();
    let resolved = assigned.apply(&Action::Resolve(text("blocked")), "cleo", NOON).unwrap();
    assert_eq!((resolved.assigned_to.clone().unwrap().as_str(), resolved.version), ("ann", 2));
    assert_eq!(resolved.resolution.clone().unwrap().by, "cleo");
    assert_eq!(resolved.expires_at, Some(NOON.plus(KEPT)));
    assert!(!resolved.is_expired(NOON) && resolved.is_expired(NOON.plus(KEPT)));
    let reopened = resolved.apply(&Action::Reopen(text("it goes on")), "ann", NOON).unwrap();
    assert_eq!((reopened.status, reopened.resolution, reopened.expires_at), (IncidentStatus::Open, None, Some(NOON.plus(KEPT))));
    assert_eq!(reopened.timeline.iter().map(|entry| entry.by.as_str()).collect::<Vec<_>>(), ["ben", "cleo", "ann"]);
}

#[test]
fn d11_a_timeline_keeps_its_newest_entries_and_counts_the_rest() {
    let long = text(&"ü".repeat(1_000));
    let full = (0..250).fold(incident(), |incident, _| incident.apply(&Action::Note(long.clone()), "ann", NOON).unwrap());
    assert_eq!((full.timeline.len(), full.timeline_cut, full.version), (MAX_ENTRIES, 150, 250));
}

#[test]
fn a_text_is_bounded_and_holds_no_control_characters() {
    assert_eq!(text("  two\nlines\t ").as_str(), "two\nlines");
    for bad in ["", " \n ", "a\u{1b}[31m", "a\u{0}", "a\rb", &"x".repeat(2_001)] {
        assert_eq!(Text::new(bad), None, "{bad:.10}");
    }
}

proptest! {
    #[test]
    fn r53_versions_only_grow_and_a_closed_incident_alone_has_a_resolution(choices in proptest::collection::vec(0_u8..6, 0..60)) {
        let mut now = incident();
        for choice in choices {
            let action = match choice {
                0 => Action::Assign(None),
                1 => Action::Note(text("n")),
                2 => Action::Investigate,
                3 => Action::Resolve(text("r")),
                4 => Action::FalsePositive(text("f")),
                _ => Action::Reopen(text("o")),
            };
            if let Ok(next) = now.apply(&action, "ann", NOON) {
                prop_assert_eq!(next.version, now.version + 1);
                prop_assert_eq!(next.expires_at.is_some(), now.expires_at.is_some() || next.status != now.status);
                prop_assert_eq!(next.resolution.is_some(), next.status.is_closed());
                now = next;
            }
        }
    }
}
