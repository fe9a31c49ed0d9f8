//! Creates the tables from the schema.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType as Role, Projection, ProjectionType,
    ScalarAttributeType, StreamSpecification, StreamViewType, TimeToLiveSpecification,
};
use palisade_cloud::schema::{Index, KeyAttribute, KeyType, TABLES, TTL_ATTRIBUTE, TableSchema};

use crate::stack::StackError;

/// Creates every table that does not exist, its name after `prefix`.
pub(crate) async fn create(client: &Client, prefix: &str) -> Result<(), StackError> {
    for schema in &TABLES {
        let name = format!("{prefix}{}", schema.table.as_str());
        match create_one(client, schema, &name).await {
            Err(error) if matches!(error.as_service_error(), Some(CreateTableError::ResourceInUseException(_))) => continue,
            Err(error) => return Err(StackError::new("a table cannot be created", &error.into_service_error())),
            Ok(_) => {}
        }
        if schema.ttl {
            age(client, &name).await?;
        }
    }
    Ok(())
}

async fn age(client: &Client, name: &str) -> Result<(), StackError> {
    let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(TTL_ATTRIBUTE).build();
    let ttl = ttl.map_err(|error| StackError::new("TTL cannot be described", &error))?;
    let update = client.update_time_to_live().table_name(name).time_to_live_specification(ttl);
    update.send().await.map(drop).map_err(|error| StackError::new("TTL cannot be set", &error.into_service_error()))
}

type Creation =
    Result<aws_sdk_dynamodb::operation::create_table::CreateTableOutput, aws_sdk_dynamodb::error::SdkError<CreateTableError>>;

async fn create_one(client: &Client, schema: &TableSchema, name: &str) -> Creation {
    let mut create = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    let mut attributes = vec![schema.partition];
    attributes.extend(schema.sort);
    for index in schema.indexes {
        attributes.extend([index.partition, index.sort]);
        create = create.global_secondary_indexes(secondary(index)?);
    }
    attributes.sort_by_key(|attribute| attribute.name);
    attributes.dedup_by_key(|attribute| attribute.name);
    for attribute in attributes {
        create = create.attribute_definitions(definition(attribute)?);
    }
    for key in keys(schema.partition, schema.sort)? {
        create = create.key_schema(key);
    }
    if schema.stream {
        let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::NewAndOldImages);
        create = create.stream_specification(stream.build()?);
    }
    create.send().await
}

fn definition(attribute: KeyAttribute) -> Result<AttributeDefinition, aws_sdk_dynamodb::error::BuildError> {
    let of = match attribute.of {
        KeyType::Text => ScalarAttributeType::S,
        KeyType::Number => ScalarAttributeType::N,
    };
    AttributeDefinition::builder().attribute_name(attribute.name).attribute_type(of).build()
}

fn keys(partition: KeyAttribute, sort: Option<KeyAttribute>) -> Result<Vec<KeySchemaElement>, aws_sdk_dynamodb::error::BuildError> {
    let one = |attribute: KeyAttribute, role| KeySchemaElement::builder().attribute_name(attribute.name).key_type(role).build();
    std::iter::once(one(partition, Role::Hash)).chain(sort.map(|sort| one(sort, Role::Range))).collect()
}

fn secondary(index: &Index) -> Result<GlobalSecondaryIndex, aws_sdk_dynamodb::error::BuildError> {
    let projection = Projection::builder()
        .projection_type(ProjectionType::Include)
        .set_non_key_attributes(Some(index.projected.iter().map(ToString::to_string).collect()));
    GlobalSecondaryIndex::builder()
        .index_name(index.name)
        .set_key_schema(Some(keys(index.partition, Some(index.sort))?))
        .projection(projection.build())
        .build()
}
