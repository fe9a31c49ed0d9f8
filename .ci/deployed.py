"""Deploys template.yaml to an emulated AWS on this machine: deployed.py FILE.

Translates the template as CloudFormation does, creates what moto can of it, and writes to FILE, as JSON, what the smoke test needs: the endpoint,
the environment each function got, the tables' streams, and queues on the topics, one of them behind
the filter of the mail's subscription.
Serves until it is terminated.
"""

import json
import logging
import os
import signal
import sys
import zipfile
from io import BytesIO

import boto3
from moto.server import ThreadedMotoServer
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

REGION = "eu-central-1"
STACK = "palisade"
BUCKET = "packages"
PARAMETERS = {
    "BaseUrl": "https://auth.example.com",
    "SecurityEmail": "security@example.com",
    "UserPoolArn": f"arn:aws:cognito-idp:{REGION}:123456789012:userpool/{REGION}_abcdefghi",
}


def translated():
    """The template without the transform, and what binary is in which function."""
    with open("template.yaml", encoding="utf-8") as file:
        template = yaml_parse(file)
    binaries = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = f"s3://{BUCKET}/function"
            binaries[name] = resource["Metadata"]["BuildProperties"]["Binary"]
    plain = transform(template, dict(PARAMETERS), None)
    left = {r["Type"] for r in plain["Resources"].values() if r["Type"].startswith("AWS::Serverless")}
    assert not left, f"not translated: {left}"
    # For these moto would start the functions in Docker and forget the records: the smoke test reads the streams itself.
    mapped = {name for name, r in plain["Resources"].items() if r["Type"] == "AWS::Lambda::EventSourceMapping"}
    plain["Resources"] = {name: r for name, r in plain["Resources"].items() if name not in mapped}
    return plain, binaries


def with_secrets(client, template):
    """moto's CloudFormation makes no secrets: they are generated as their properties say, and put where the template refers to them."""
    text = json.dumps(template)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::SecretsManager::Secret":
            password = client.get_random_password(**resource["Properties"]["GenerateSecretString"])["RandomPassword"]
            text = text.replace("{{resolve:secretsmanager:${%s}:SecretString}}" % name, password)
    assert "{{resolve" not in text, "a reference that nothing resolves"
    return text


def archive():
    """What no function has to run: the smoke test runs the built binaries."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("bootstrap", "#!/bin/sh\n")
    return content.getvalue()


def subscribed(client, topic, name, attributes):
    """The URL of a new queue that gets what is published to `topic`."""
    url = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes)
    return url


def deploy(client):
    """Creates the stack and returns what came out."""
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    client("s3").put_object(Bucket=BUCKET, Key="function", Body=archive())
    template, binaries = translated()
    client("cloudformation").create_stack(
        StackName=STACK,
        TemplateBody=with_secrets(client("secretsmanager"), template),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    status = client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
    assert status == "CREATE_COMPLETE", status
    pages = client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
    made = {r["LogicalResourceId"]: r["PhysicalResourceId"] for page in pages for r in page["StackResourceSummaries"]}

    functions = client("lambda")
    streams = {}
    for name in ("IncidentsTable", "NoticesTable"):
        streams[name] = client("dynamodb").describe_table(TableName=made[name])["Table"]["LatestStreamArn"]
    environments = {
        binary: functions.get_function_configuration(FunctionName=made[name])["Environment"]["Variables"] for name, binary in binaries.items()
    }
    mail = template["Resources"]["AlertsByMail"]["Properties"]
    filtered = {"FilterPolicy": json.dumps(mail["FilterPolicy"]), "FilterPolicyScope": mail["FilterPolicyScope"]}
    queues = {
        "all": subscribed(client, made["AlertsTopic"], "all", {}),
        "mail": subscribed(client, made["AlertsTopic"], "mail", filtered),
        "notices": subscribed(client, made["NoticesTopic"], "notices", {}),
    }
    return {"functions": environments, "streams": streams, "queues": queues}


def main(path):
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ.update(AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="local", AWS_DEFAULT_REGION=REGION)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    out = deploy(lambda service: boto3.client(service, endpoint_url=endpoint))
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump({"endpoint": endpoint, **out}, file, default=str)
    os.replace(path + ".part", path)
    signal.pause()


main(*sys.argv[1:])
