//! The template, deployed to an emulated AWS by `.ci/deployed.py`, under the built binaries with the environment that the template gave them.
//! `PALISADE_TEST_DEPLOYED` names the file that says where all is.

use std::collections::{BTreeMap, BTreeSet};

use acceptance::World;
use acceptance::runtime_api::{Lambda, Outcome};
use serde::Deserialize;
use serde_json::{Value, json};

const PASSWORD: &str = "Violet-Kettle-9-harbour";
const NAME: &str = "new@example.com";

/// What `.ci/deployed.py` wrote.
#[derive(Deserialize)]
struct Deployed {
    endpoint: String,
    functions: BTreeMap<String, BTreeMap<String, String>>,
    streams: BTreeMap<String, String>,
    queues: BTreeMap<String, String>,
}

impl Deployed {
    fn read() -> Self {
        let path = std::env::var("PALISADE_TEST_DEPLOYED").expect("PALISADE_TEST_DEPLOYED, as .ci/run sets it");
        serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON")
    }

    /// The built binary of `function`, in its environment.
    async fn start(&self, function: &str, hibp: &str) -> Lambda {
        let of_lambda = [
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &self.endpoint),
            ("AWS_ENDPOINT_URL_SNS", &self.endpoint),
            ("PALISADE_HIBP_URL", hibp),
        ];
        let of_lambda = of_lambda.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables: Vec<_> = self.functions[function].clone().into_iter().chain(of_lambda).collect();
        Lambda::start(function, &variables).await
    }

    /// What the service answers to `target`.
    async fn aws(&self, service: &str, target: &str, body: Value) -> Value {
        palisade_local::install_tls();
        let credential = format!("AWS4-HMAC-SHA256 Credential=local/20260101/eu-central-1/{service}/aws4_request");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client").post(format!("{}/", self.endpoint));
        let request = http.header("x-amz-target", target).header("content-type", "application/x-amz-json-1.0");
        let sent = request.header("authorization", credential).body(body.to_string()).send().await.expect("an answer");
        serde_json::from_str(&sent.text().await.expect("a text")).expect("JSON")
    }

    /// What is on the stream of `table`, as Lambda brings it: what is not inserted or modified does not come.
    async fn batch(&self, table: &str) -> String {
        let (service, arn) = ("dynamodb", &self.streams[table]);
        let target = |name: &str| format!("DynamoDBStreams_20120810.{name}");
        let stream = self.aws(service, &target("DescribeStream"), json!({ "StreamArn": arn })).await;
        let shard = &stream["StreamDescription"]["Shards"][0]["ShardId"];
        let from = json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
        let iterator = self.aws(service, &target("GetShardIterator"), from).await["ShardIterator"].clone();
        let got = self.aws(service, &target("GetRecords"), json!({ "ShardIterator": iterator })).await;
        let mut records = got["Records"].as_array().expect("records").clone();
        records.retain(|record| record["eventName"] != "REMOVE");
        for record in &mut records {
            record["eventSourceARN"] = json!(arn);
        }
        assert!(!records.is_empty(), "{table}");
        json!({ "Records": records }).to_string()
    }

    /// The messages in `queue`, which are taken out.
    async fn received(&self, queue: &str) -> Vec<Value> {
        let ask = json!({ "QueueUrl": self.queues[queue], "MaxNumberOfMessages": 10 });
        let got = self.aws("sqs", "AmazonSQS.ReceiveMessage", ask).await;
        let bodies = got["Messages"].as_array().into_iter().flatten().filter_map(|message| message["Body"].as_str());
        let told = bodies.map(|body| serde_json::from_str::<Value>(body).expect("JSON")["Message"].clone());
        told.map(|message| serde_json::from_str(message.as_str().expect("a text")).expect("JSON")).collect()
    }
}

/// The event of `function` with this body.
fn event(text: &str, body: &Value) -> String {
    let mut event: Value = serde_json::from_str(text).expect("JSON");
    event["body"] = json!(body.to_string());
    event.to_string()
}

async fn called(lambda: &mut Lambda, event: &str) -> Value {
    match lambda.call(event).await {
        Outcome::Result(text) => serde_json::from_str(&text).expect("JSON"),
        Outcome::Error(text) => panic!("an error instead of a result: {text}"),
    }
}

#[tokio::test]
#[ignore = "needs the template deployed; .ci/run does so"]
async fn r65_what_the_template_deploys_signs_up_logs_in_lets_in_ends_and_tells() {
    let (deployed, world) = (Deployed::read(), World::start().await);
    let hibp = &world.stack().hibp().url;
    let mut login = deployed.start("login", hibp).await;
    let mut signup = deployed.start("signup", hibp).await;
    let mut fan_out = deployed.start("alert-fan-out", hibp).await;
    let mut validation = deployed.start("session-validation", hibp).await;
    let mut sessions = deployed.start("sessions", hibp).await;
    let nothing_failed = json!({ "batchItemFailures": [] });

    // A sign-up, whose message comes over stream and topic.
    let sign_up = event(include_str!("../../infra/events/signup/signup.json"), &json!({ "email": NAME, "password": PASSWORD }));
    assert_eq!(called(&mut signup, &sign_up).await["statusCode"], 202);
    assert_eq!(called(&mut fan_out, &deployed.batch("NoticesTable").await).await, nothing_failed);
    let told = deployed.received("notices").await;
    let token = told[0]["token"].as_str().expect("a token");
    let confirm = event(include_str!("../../infra/events/signup/confirm.json"), &json!({ "token": token, "password": PASSWORD }));
    assert_eq!(called(&mut signup, &confirm).await["statusCode"], 201);

    // A session that is let in until it ends.
    let success = include_str!("../../infra/events/login/success.json");
    let reply = called(&mut login, &event(success, &json!({ "identifier": NAME, "password": PASSWORD }))).await;
    assert_eq!(reply["statusCode"], 200, "{reply}");
    let cookie = reply["cookies"][0].as_str().and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned();
    let with_session = |text: &str| {
        let mut event: Value = serde_json::from_str(text).expect("JSON");
        (event["cookies"], event["headers"]["user-agent"]) = (json!([cookie]), json!("curl/8.5.0"));
        event
    };
    let request = with_session(include_str!("../../infra/events/session-validation/http-v2.json")).to_string();
    assert_eq!(called(&mut validation, &request).await["isAuthorized"], true);
    let session = with_session(include_str!("../../infra/events/sessions/session.json")).to_string();
    let session = called(&mut sessions, &session).await;
    let session: Value = serde_json::from_str(session["body"].as_str().expect("a body")).expect("JSON");
    let mut logout = with_session(include_str!("../../infra/events/sessions/logout.json"));
    logout["headers"]["x-csrf-token"] = session["csrf_token"].clone();
    assert_eq!(called(&mut sessions, &logout.to_string()).await["statusCode"], 204);
    assert_eq!(called(&mut validation, &request).await["isAuthorized"], false);

    // An attack, of which everything is told to the topic and what is high to the mail.
    for n in 0..60 {
        let guess = event(success, &json!({ "identifier": format!("name-{n}@example.com"), "password": "guess" }));
        assert!([401, 429].map(Value::from).contains(&called(&mut login, &guess).await["statusCode"]));
    }
    assert_eq!(called(&mut fan_out, &deployed.batch("IncidentsTable").await).await, nothing_failed);
    let severities =
        |messages: &[Value]| -> BTreeSet<String> { messages.iter().map(|told| told["severity"].to_string()).collect() };
    let (all, mail) = (deployed.received("all").await, deployed.received("mail").await);
    assert_eq!(severities(&all), ["\"high\"", "\"low\""].map(str::to_owned).into(), "{all:?}");
    assert_eq!(severities(&mail), ["\"high\"".to_owned()].into(), "{mail:?}");
}
