//! What the edge of every HTTP function needs of the settings.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use palisade_core::KeyRing;
use palisade_core::settings::Settings;

/// The same for every request of a function.
#[derive(Debug, Clone)]
pub struct Front {
    /// Origins that are not cross-site.
    pub own_origins: Vec<String>,
    /// Networks whose forwarded addresses are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long an answer may take.
    pub deadline: Duration,
    /// Whether HSTS asks for preloading.
    pub hsts_preload: bool,
    /// The keys of CSRF tokens.
    pub keys: Arc<KeyRing>,
}

impl Front {
    /// As `settings` say.
    pub fn of(settings: &Settings) -> Self {
        Self {
            own_origins: settings.own_origins.clone(),
            trusted_proxies: settings.trusted_proxies.clone(),
            deadline: settings.timeouts.request,
            hsts_preload: settings.hsts_preload,
            keys: Arc::clone(&settings.keys),
        }
    }
}
