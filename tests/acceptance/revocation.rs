//! What has ended is refused at once: random stories of one account's browsers, requests under way while sessions end.

use acceptance::{Actor, Dice, Reply, World};
use palisade_local::{Fault, Mode};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const NAME: &str = "alice@example.com";

/// The ways in which sessions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Logout,
    One,
    Others,
    All,
    Reauthentication,
    Change,
    Reset,
}

/// One account's sessions as they must be.
struct Story {
    world: World,
    dice: Dice,
    alive: Vec<Actor>,
    /// With whether a successor took its place.
    dead: Vec<(Actor, bool)>,
    /// How many passwords the account has had; a day takes four.
    passwords: u32,
    requests: usize,
}

async fn delete(actor: &Actor, path: &str) -> Reply {
    actor.send(Method::DELETE, path, None, Vec::new()).await
}

fn password(number: u32) -> String {
    format!("correct-Horse-{number}-battery")
}

/// Asks both Palisade's own route and the user's API behind the authorizer; whether it was let in, which must be the same.
async fn let_in(actor: Actor, own: bool) -> bool {
    let reply = actor.get(if own { "/session" } else { "/protected" }).await;
    match (reply.status(), own) {
        (200, _) => true,
        (401, true) | (403, false) => false,
        other => panic!("{other:?} {}", reply.text),
    }
}

impl Story {
    async fn begin(seed: u64) -> Self {
        let world = World::builder()
            .setting("PALISADE_AUTH_REQUESTS_PER_IP", 1_000_000)
            .setting("PALISADE_REQUESTS_PER_IP", 1_000_000)
            .start()
            .await;
        world.account(NAME, &password(0)).await;
        Self { world, dice: Dice::new(seed), alive: Vec::new(), dead: Vec::new(), passwords: 0, requests: 0 }
    }

    async fn sign_in(&mut self) {
        let login = self.world.stranger().login(NAME, &password(self.passwords)).await;
        assert_eq!(login.status(), 200, "{}", login.text);
        self.alive.push(login.session());
    }

    fn ending(&mut self) -> Ending {
        use Ending::{All, Change, Logout, One, Others, Reauthentication, Reset};
        let chosen = self.dice.pick(&[Logout, One, One, Others, All, Reauthentication, Change, Reset]);
        if matches!(chosen, Change | Reset) && self.passwords == 4 { Logout } else { chosen }
    }

    /// Ends what `ending` ends, and moves it from the living to the dead.
    async fn end(&mut self, ending: Ending) {
        let reply = match ending {
            Ending::Logout => self.alive[0].send(Method::POST, "/logout", None, Vec::new()).await,
            Ending::One => {
                let id =
                    self.alive[0].get("/sessions").await.json()["sessions"].as_array().and_then(|all| own_id(all)).expect("an id");
                delete(&self.alive[1], &format!("/sessions/{id}")).await
            }
            Ending::Others => delete(&self.alive[0], "/sessions?scope=others").await,
            Ending::All => delete(&self.alive[0], "/sessions?scope=all").await,
            Ending::Reauthentication => {
                let proof = json!({ "password": password(self.passwords) });
                self.alive[0].post("/session/reauthenticate", &proof).await
            }
            Ending::Change => {
                let next = json!({ "current_password": password(self.passwords), "new_password": password(self.passwords + 1) });
                self.alive[0].post("/password/change", &next).await
            }
            Ending::Reset => {
                let next =
                    json!({ "token": self.world.grant("reset_password").await, "new_password": password(self.passwords + 1) });
                self.world.stranger().post("/password/reset", &next).await
            }
        };
        assert!([200, 204].contains(&reply.status()), "{ending:?} {}", reply.text);
        let ended: Vec<Actor> = match ending {
            Ending::Others => self.alive.drain(1..).collect(),
            Ending::Logout | Ending::One | Ending::Reauthentication => vec![self.alive.remove(0)],
            Ending::All | Ending::Change | Ending::Reset => self.alive.drain(..).collect(),
        };
        let replaced = |place| place == 0 && matches!(ending, Ending::Change | Ending::Reauthentication);
        self.dead.extend(ended.into_iter().enumerate().map(|(place, actor)| (actor, replaced(place))));
        if matches!(ending, Ending::Change | Ending::Reset) {
            self.passwords += 1;
        }
        if matches!(ending, Ending::Change | Ending::Reauthentication) {
            self.alive.push(reply.session());
        }
    }

    /// Sends requests of `actors`, all at once, and says which were let in.
    fn ask(&mut self, actors: &[Actor]) -> JoinSet<bool> {
        self.requests += actors.len();
        let own = self.dice.roll(2) == 0;
        actors.iter().cloned().map(|actor| let_in(actor, own)).collect()
    }

    async fn round(&mut self, context: &str) {
        while self.alive.len() < 4 {
            self.sign_in().await;
        }
        let ending = self.ending();
        // From time to time every use is due to be written, and a reset is five minutes after the last.
        let pause = if ending == Ending::Reset { 300 } else { self.dice.pick(&[0, 0, 61]) };
        if pause > 0 {
            // A replaced token is somebody else's after ten seconds, and would end everything.
            self.dead.retain(|(_, replaced)| !replaced);
            self.world.advance(pause);
        }
        if ending == Ending::Reset {
            self.world.stranger().post("/password/reset/request", &json!({ "identifier": NAME })).await;
        }
        self.world.fault(Fault::always(Mode::Shuffle));
        let under_way = self.alive.clone();
        let meanwhile = self.ask(&under_way);
        self.end(ending).await;
        // What was under way may have been either; nobody who had ended before may get in.
        meanwhile.join_all().await;
        let dead: Vec<Actor> = self.dead.iter().rev().take(60).map(|(actor, _)| actor.clone()).collect();
        let alive = self.alive.clone();
        let (refused, passed) = (self.ask(&dead), self.ask(&alive));
        assert!(refused.join_all().await.iter().all(|let_in| !let_in), "{context}, {ending:?}: a session lived on");
        assert!(passed.join_all().await.iter().all(|let_in| *let_in), "{context}, {ending:?}: a session died with the others");
        self.world.stack().faults().clear();
    }
}

fn own_id(sessions: &[Value]) -> Option<String> {
    let own = sessions.iter().find(|session| session["current"] == true)?;
    own["id"].as_str().map(str::to_owned)
}

/// After a logout, the end of one or all, a re-authentication, a change, a reset or a disabling has returned, the very next request is
/// refused: none of ten thousand is let in.
#[tokio::test(flavor = "multi_thread")]
async fn invariant_4_no_ended_session_is_ever_let_in_again() {
    let mut requests = 0;
    for seed in 0..12 {
        let mut story = Story::begin(seed).await;
        for number in 0..38 {
            story.round(&format!("seed {seed}, round {number}")).await;
        }
        let key = story.world.items("accounts").await[0]["account_key"].as_str().expect("a key").to_owned();
        let disabled = Some(acceptance::Edit::S("disabled".into()));
        story.world.edit("accounts", &[("account_key", &key)], "status", disabled).await;
        let alive = story.alive.clone();
        assert!(story.ask(&alive).join_all().await.iter().all(|let_in| !let_in), "seed {seed}: disabled, and let in");
        requests += story.requests;
    }
    assert!(requests >= 10_000, "only {requests} requests");
}
