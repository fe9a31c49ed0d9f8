//! `palisade cognito`: the triggers of a user pool that is there already.
//!
//! An update resets whatever it does not name, so a pool is read whole, changed in its triggers alone, written whole, and read once more.

mod findings;
mod pool;

use palisade_cloud::Parts;
use palisade_cloud::user_pools::UserPools;
use serde_json::{Value, json};

use crate::arguments::{CognitoCommand, PoolArguments};
use pool::Attachment;

pub(crate) use pool::TRIGGERS;

/// Carries `command` out with the credentials of `parts`, and returns what to print. `endpoint` stands in for Cognito's own.
///
/// # Errors
/// Why it was not carried out, for whoever typed it.
pub async fn run(command: CognitoCommand, parts: &Parts, endpoint: Option<&str>) -> Result<String, String> {
    match command {
        CognitoCommand::Check { pool } => {
            let pools = Pools::of(&pool, parts, endpoint)?;
            let described = pools.describe().await?;
            let clients = pools.clients().await?;
            Ok(findings::findings(&described, &clients, pool.function.as_deref()).join("\n"))
        }
        CognitoCommand::Attach { pool, only, token_version, replace, yes } => {
            let function = pool.function.clone().ok_or("--function is missing: the ARN of cognito-triggers")?;
            let attachment = Attachment { function: &function, only: &only, token_version, replace };
            let pools = Pools::of(&pool, parts, endpoint)?;
            let old = pools.describe().await?;
            let new = pool::attached(member(&old, "LambdaConfig"), &attachment)?;
            let mut text = pools.change(&old, &new, yes).await?;
            text.extend(findings::findings(&with_triggers(&old, new), &pools.clients().await?, Some(&function)));
            if !yes {
                text.push("first let the pool call the function, or no sign-in goes through it; then say --yes:".to_owned());
                text.push(pool::permission(&function, &old));
            }
            Ok(text.join("\n"))
        }
        CognitoCommand::Detach { pool, yes } => {
            let function = pool.function.clone().ok_or("--function is missing: the ARN that is to go")?;
            let pools = Pools::of(&pool, parts, endpoint)?;
            let old = pools.describe().await?;
            let new = pool::detached(member(&old, "LambdaConfig"), &function);
            Ok(pools.change(&old, &new, yes).await?.join("\n"))
        }
    }
}

fn with_triggers(pool: &Value, triggers: Value) -> Value {
    let mut pool = pool.clone();
    if let Some(pool) = pool.as_object_mut() {
        pool.insert("LambdaConfig".to_owned(), triggers);
    }
    pool
}

/// A member of an object; null where there is none.
fn member<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

/// One pool, over Cognito's API.
struct Pools {
    api: UserPools,
    id: String,
    parts: Parts,
}

impl Pools {
    fn of(pool: &PoolArguments, parts: &Parts, endpoint: Option<&str>) -> Result<Self, String> {
        let id = pool.pool_id.clone();
        let (region, _) = id.split_once('_').ok_or("the pool's id begins with its region, such as eu-central-1_ExaMPle01")?;
        let api = UserPools::new(region, endpoint, parts).map_err(|fault| fault.chain())?;
        Ok(Self { api, id, parts: parts.clone() })
    }

    async fn call(&self, action: &str, input: Value) -> Result<Value, String> {
        self.api.call(action, &input, self.parts.clock.now()).await.map_err(|fault| fault.chain())
    }

    async fn describe(&self) -> Result<Value, String> {
        let answer = self.call("DescribeUserPool", json!({ "UserPoolId": self.id })).await?;
        Ok(member(&answer, "UserPool").clone())
    }

    async fn clients(&self) -> Result<Vec<Value>, String> {
        let (mut clients, mut next) = (Vec::new(), Value::Null);
        loop {
            let input = match &next {
                Value::Null => json!({ "UserPoolId": self.id, "MaxResults": 60 }),
                next => json!({ "UserPoolId": self.id, "MaxResults": 60, "NextToken": next }),
            };
            let page = self.call("ListUserPoolClients", input).await?;
            for client in member(&page, "UserPoolClients").as_array().into_iter().flatten() {
                let input = json!({ "UserPoolId": self.id, "ClientId": member(client, "ClientId") });
                let described = self.call("DescribeUserPoolClient", input).await?;
                clients.push(member(&described, "UserPoolClient").clone());
            }
            next = member(&page, "NextToken").clone();
            if next.is_null() {
                return Ok(clients);
            }
        }
    }

    /// Gives the pool `old` the triggers `new`, if `yes`; what changes, and what was done.
    async fn change(&self, old: &Value, new: &Value, yes: bool) -> Result<Vec<String>, String> {
        let mut text = pool::difference(member(old, "LambdaConfig"), new);
        if text.is_empty() {
            return Ok(vec!["nothing to change".to_owned()]);
        }
        if !yes {
            text.push("nothing was written: --yes writes it".to_owned());
            return Ok(text);
        }
        let factors = self.factors().await?;
        self.call("UpdateUserPool", pool::update(old, new)).await?;
        // Second factors have an update of their own, and this one may have changed them.
        if self.factors().await? != factors {
            self.call("SetUserPoolMfaConfig", pool::of_the_pool(&factors, old)).await?;
        }
        let written = self.describe().await?;
        let lost = pool::lost(old, &written);
        if !lost.is_empty() {
            return Err(format!("{}\nwritten, but these settings are not as they were: {}", text.join("\n"), lost.join(", ")));
        }
        text.push("written".to_owned());
        Ok(text)
    }

    async fn factors(&self) -> Result<Value, String> {
        self.call("GetUserPoolMfaConfig", json!({ "UserPoolId": self.id })).await
    }
}
