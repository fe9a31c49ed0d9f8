//! Chromium without a screen, driven by the `chromedriver` of this machine.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};

/// How long a page may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// An element's id in an answer: the protocol's own word for it.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Chromium's switches: no screen, and nobody outside is asked for anything.
const SWITCHES: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser with one window. It ends with this value.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    http: Client,
    /// Where the commands go.
    session: String,
}

impl Browser {
    /// A fresh browser.
    pub async fn start() -> Self {
        let driver = Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut driver = driver.expect("chromedriver is on the path");
        let mut said = BufReader::new(driver.stdout.take().expect("its output")).lines().map_while(Result::ok);
        let port = said.find_map(|line| Some(line.split_once("successfully on port ")?.1.trim_end_matches('.').to_owned()));
        let http = Client::builder().no_proxy().build().expect("an HTTP client");
        let session = format!("http://127.0.0.1:{}/session", port.expect("a port"));
        let mut browser = Self { driver, http, session };
        let wishes = json!({ "goog:chromeOptions": { "args": SWITCHES }, "goog:loggingPrefs": { "browser": "ALL" } });
        let made = browser.command(Method::POST, "", &json!({ "capabilities": { "alwaysMatch": wishes } })).await;
        let id = made["sessionId"].as_str().unwrap_or_else(|| panic!("{made}"));
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    async fn command(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = self.http.request(method.clone(), format!("{}{path}", self.session));
        let request = if method == Method::GET { request } else { request.body(body.to_string()) };
        let answer = request.send().await.expect("chromedriver answers").text().await.expect("a body");
        serde_json::from_str::<Value>(&answer).expect("JSON")["value"].take()
    }

    /// Opens `url`.
    pub async fn open(&self, url: &str) {
        self.command(Method::POST, "/url", &json!({ "url": url })).await;
    }

    /// The path of the element that the CSS selector `selector` finds, as the driver names it.
    async fn find(&self, selector: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.command(Method::POST, "/element", &wanted).await;
        let id = found[ELEMENT].as_str().unwrap_or_else(|| panic!("{selector}: {found}"));
        format!("/element/{id}")
    }

    /// Types `text` into a field.
    pub async fn fill(&self, selector: &str, text: &str) {
        let field = self.find(selector).await;
        self.command(Method::POST, &format!("{field}/clear"), &json!({})).await;
        self.command(Method::POST, &format!("{field}/value"), &json!({ "text": text })).await;
    }

    /// Clicks.
    pub async fn click(&self, selector: &str) {
        let button = self.find(selector).await;
        let refused = self.command(Method::POST, &format!("{button}/click"), &json!({})).await;
        assert_eq!(refused, Value::Null, "{selector}");
    }

    /// Presses keys one after another, wherever the focus is. Special ones are written as the driver does: `\u{e007}` is Enter, `\u{e00c}` Escape.
    pub async fn press(&self, keys: &str) {
        let stroke = |key: char| [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })];
        let strokes: Vec<Value> = keys.chars().flat_map(stroke).collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keys", "actions": strokes }] });
        self.command(Method::POST, "/actions", &actions).await;
    }

    /// Makes the page this wide, as on a telephone.
    pub async fn resize(&self, width: u32, height: u32) {
        let screen = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": width, "height": height, "deviceScaleFactor": 2, "mobile": true } });
        self.command(Method::POST, "/goog/cdp/execute", &screen).await;
    }

    /// What an element shows.
    pub async fn text(&self, selector: &str) -> String {
        let element = self.find(selector).await;
        let text = self.command(Method::GET, &format!("{element}/text"), &Value::Null).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an element shows `wanted`, and returns all that it shows.
    pub async fn wait_for(&self, selector: &str, wanted: &str) -> String {
        let shown = tokio::time::timeout(PATIENCE, async {
            loop {
                let text = self.text(selector).await;
                if text.contains(wanted) {
                    return text;
                }
            }
        });
        let Ok(text) = shown.await else {
            panic!("{selector} never showed {wanted:?}, but {:?}", self.text(selector).await);
        };
        text
    }

    /// The value of a script's expression on the page.
    pub async fn evaluate(&self, expression: &str) -> Value {
        let script = json!({ "script": format!("return {expression};"), "args": [] });
        self.command(Method::POST, "/execute/sync", &script).await
    }

    /// What the page complained of, violations of its content policy among it. Refusals that a test provokes are told as failed loads: those
    /// are left out.
    pub async fn complaints(&self) -> Vec<String> {
        let lines = self.command(Method::POST, "/se/log", &json!({ "type": "browser" })).await;
        let lines = lines.as_array().expect("a list").iter();
        let texts = lines.filter_map(|line| line["message"].as_str().map(str::to_owned));
        texts.filter(|text| !text.contains("Failed to load resource")).collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium ends when its driver does.
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}
