//! Posts alerts to a webhook (requirement r52): only at addresses in reach, no redirect followed, no proxy in between, nothing of the answer read
//! but its status.
//!
//! A name is resolved here and the addresses that come of it are those connected to: nothing is resolved a second time, so that a name which
//! answers differently then gains nothing (CASES AL04). A literal address was judged when the setting was read.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use palisade_core::settings::Messages;
use palisade_core::webhook::{Reach, WebhookTarget};
use palisade_core::{Fault, Timestamp};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, redirect};

use crate::hibp::install_tls;

/// The webhook.
#[derive(Debug)]
pub struct Webhook {
    target: WebhookTarget,
    timeout: Duration,
    client: OnceLock<Option<Client>>,
}

/// How a post failed.
#[derive(Debug, thiserror::Error)]
enum PostError {
    #[error("no answer in time, or no address in reach")]
    Unreachable,
    #[error("answered {0}")]
    Status(u16),
}

impl Webhook {
    /// The one that `settings` name; `None` where they name none.
    pub fn new(settings: &Messages) -> Option<Self> {
        let target = settings.webhook.clone()?;
        Some(Self { target, timeout: settings.webhook_timeout, client: OnceLock::new() })
    }

    /// Posts `body` as the message `id`, signed.
    ///
    /// # Errors
    /// A fault unless the answer is a success, in time.
    pub async fn post(&self, id: &str, body: String, now: Timestamp) -> Result<(), Fault> {
        let failed = |error| Fault::unavailable("post to the webhook", error);
        let client = self.client.get_or_init(|| self.build(lookup)).as_ref().ok_or_else(|| failed(PostError::Unreachable))?;
        let request = client
            .post(self.target.url.clone())
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now.seconds().to_string())
            .header("webhook-signature", self.target.signature(id, now, &body))
            .body(body);
        let response = request.send().await.map_err(|_| failed(PostError::Unreachable))?;
        let status = response.status();
        if status.is_success() { Ok(()) } else { Err(failed(PostError::Status(status.as_u16()))) }
    }

    fn build(&self, lookup: fn(String) -> Looking) -> Option<Client> {
        install_tls();
        Client::builder()
            .user_agent(concat!("Palisade/", env!("CARGO_PKG_VERSION")))
            .timeout(self.timeout)
            .redirect(redirect::Policy::none())
            .https_only(self.target.url.scheme() == "https")
            .no_proxy()
            .dns_resolver(Arc::new(InReach { reach: self.target.reach, lookup }))
            .build()
            .ok()
    }
}

/// Addresses being looked up.
type Looking = std::pin::Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

fn lookup(name: String) -> Looking {
    Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
}

/// Resolves names to addresses in reach: if one of a name's addresses is not, none is.
struct InReach {
    reach: Reach,
    lookup: fn(String) -> Looking,
}

impl Resolve for InReach {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, looking) = (self.reach, (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let addresses = looking.await?;
            if addresses.is_empty() || !addresses.iter().all(|address| reach.covers(address.ip())) {
                return Err(io::Error::other("no address in reach").into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static LOOKED_UP: AtomicUsize = AtomicUsize::new(0);

    /// A public address the first time, this machine the second.
    fn rebinding(_: String) -> Looking {
        let address = if LOOKED_UP.fetch_add(1, Ordering::SeqCst) == 0 { "93.184.215.14:0" } else { "127.0.0.1:0" };
        Box::pin(async move { Ok(vec![address.parse().unwrap()]) })
    }

    #[tokio::test]
    async fn al04_the_address_that_is_checked_is_the_one_connected_to() {
        let in_reach = |lookup| InReach { reach: Reach::Public, lookup };
        let name = || "hooks.example.com".parse::<Name>().unwrap();
        let first = in_reach(rebinding).resolve(name()).await.unwrap().collect::<Vec<_>>();
        assert_eq!(first, ["93.184.215.14:0".parse().unwrap()], "what is connected to is what was checked");
        assert!(in_reach(rebinding).resolve(name()).await.is_err(), "another answer is judged anew");
        let mixed: fn(String) -> Looking =
            |_| Box::pin(async { Ok(vec!["93.184.215.14:0".parse().unwrap(), "169.254.169.254:0".parse().unwrap()]) });
        assert!(in_reach(mixed).resolve(name()).await.is_err(), "one bad address spoils the name");
    }

    #[tokio::test]
    async fn al04_a_name_for_this_machine_gets_no_request() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let secret = "whsec_bWFya2VkLWZha2Utc2VjcmV0LW9mLTMyLWJ5dGVzLSE=";
        let target = WebhookTarget::parse(&format!("https://localhost:{port}/"), secret, Reach::Public).unwrap();
        let webhook = Webhook { target, timeout: Duration::from_secs(2), client: OnceLock::new() };
        assert!(webhook.post("id", "{}".into(), Timestamp::EPOCH).await.is_err());
        let connected = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(connected.is_err(), "nobody connected");
    }
}
