"""Debian's grpcio as a client of headgate.v1: one scenario a run, its findings as one line of JSON."""
import json, sys, time
import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2  # noqa: F401

address, key, descriptor, scenario, argument = sys.argv[1:6]
file = descriptor_pb2.FileDescriptorProto.FromString(open(descriptor, "rb").read())
pool = descriptor_pool.Default()
pool.Add(file)
factory = message_factory.MessageFactory(pool)
m = lambda name: factory.GetPrototype(pool.FindMessageTypeByName("headgate.v1." + name))
channel = grpc.insecure_channel(address)
META = [("authorization", "Bearer " + key)]


def unary(name, request, answer, value, **more):
    call = channel.unary_unary("/headgate.v1.Headgate/" + name, request_serializer=m(request).SerializeToString,
                               response_deserializer=m(answer).FromString)
    return call(value, timeout=more.pop("timeout", 20), metadata=META + more.pop("metadata", []))


def stream(name, request, value, timeout=20, metadata=[]):
    call = channel.unary_stream("/headgate.v1.Headgate/" + name, request_serializer=m(request).SerializeToString,
                                response_deserializer=m("StreamEvent").FromString)
    return call(value, timeout=timeout, metadata=META + list(metadata))


def generate(**more):
    message = m("Message")(role="user", parts=[m("Part")(text="hi")])
    return m("GenerateRequest")(model="chat", messages=[message], **more)


def collect(call, most=None, found=None):
    found = found if found is not None else {"text": "", "positions": [], "heartbeats": 0, "id": None, "end": None}
    for event in call:
        for step in event.steps:
            kind = step.WhichOneof("kind")
            if kind == "started": found["id"] = step.started.id
            if kind == "text": found["text"] += step.text.text
            if kind == "heartbeat": found["heartbeats"] += 1
            if kind == "snapshot": found["text"] += step.snapshot.choices[0].text
            if kind == "end": found["end"] = {"status": step.end.status, "sha": step.end.text_sha256, "output": step.end.usage.output_tokens, "finish": step.end.finish, "last": step.end.last_seq}
        if event.position: found["positions"].append(event.position)
        if most and len(found["positions"]) >= most: break
    return found


def run():
    if scenario == "generate":
        a = unary("Generate", "GenerateRequest", "GenerateResponse", generate(temperature=0.5))
        return {"id": a.id, "text": a.choices[0].text, "finish": a.choices[0].finish, "output": a.usage.output_tokens}
    if scenario == "embed":
        a = unary("Embed", "EmbedRequest", "EmbedResponse", m("EmbedRequest")(model="embed", inputs=["a", "b"]))
        return {"n": len(a.embeddings), "first": list(a.embeddings[0].values)}
    if scenario == "stream":
        return collect(stream("GenerateStream", "GenerateRequest", generate()))
    if scenario == "deadline":
        return collect(stream("GenerateStream", "GenerateRequest", generate(), timeout=2))
    if scenario == "leave":
        call = stream("GenerateStream", "GenerateRequest", generate())
        found = collect(call, 2)
        found["leftAt"] = time.time() * 1000
        call.cancel()
        time.sleep(0.3)
        return found
    if scenario in ("resume", "snapshot"):
        call = stream("GenerateStream", "GenerateRequest", generate(), metadata=[("x-headgate-resume", "true")])
        found = collect(call, 3)
        call.cancel()
        if scenario == "snapshot": found["text"] = ""
        request = m("ResumeRequest")(id=found["id"], snapshot=scenario == "snapshot",
                                     position="" if scenario == "snapshot" else found["positions"][-1])
        return collect(stream("Resume", "ResumeRequest", request), None, found)
    if scenario == "cancel":
        call = stream("GenerateStream", "GenerateRequest", generate(), metadata=[("x-headgate-resume", "true")])
        found = collect(call, 2)
        said = unary("Cancel", "CancelRequest", "CancelResponse", m("CancelRequest")(id=found["id"]))
        found["said"] = said.status
        try:
            collect(call, None, found)
        except grpc.RpcError as e:
            found["code"] = e.code().name
        again = unary("Cancel", "CancelRequest", "CancelResponse", m("CancelRequest")(id=found["id"]))
        found["again"] = again.status
        return found
    if scenario == "resume-other":
        id, position = argument.split(",")
        return collect(stream("Resume", "ResumeRequest", m("ResumeRequest")(id=id, position=position)))
    if scenario == "gzip":
        call = channel.unary_unary("/headgate.v1.Headgate/Generate", request_serializer=m("GenerateRequest").SerializeToString,
                                   response_deserializer=m("GenerateResponse").FromString)
        call(generate(stop=["x" * 20000]), metadata=META, compression=grpc.Compression.Gzip)
    if scenario == "unknown-method":
        unary("Nothing", "GenerateRequest", "GenerateResponse", generate())
    if scenario == "extra-twice":
        request = generate()
        request.extra.update({"model": "other"})
        unary("Generate", "GenerateRequest", "GenerateResponse", request)


try:
    print(json.dumps(run()))
except grpc.RpcError as e:
    print(json.dumps({"code": e.code().name, "message": e.details(), "trailers": {k: str(v) for k, v in (e.trailing_metadata() or [])}}))
