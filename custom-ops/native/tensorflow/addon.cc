// The Node addon: loading it registers the operators; it tells what they are, so that nothing is written down twice.
#include <node_api.h>
#include <tensorflow/c/c_api.h>

#include <exception>
#include <string>

#include "native/simd.h"
#include "native/tensorflow/operator.h"
#include "native/tensorflow/register.h"
#include "native/tensorflow/sources.generated.h"

namespace {

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string portsJson(const std::vector<bmojo::Port>& ports) {
  std::string json;
  for (const bmojo::Port& port : ports) {
    json += (json.empty() ? "" : ",");
    json += "{\"name\":" + quoted(port.name) + ",\"shape\":" + quoted(port.shape) +
            ",\"dtype\":" + (port.kind == bmojo::Kind::i32 ? "\"int32\"" : "\"float32\"") + "}";
  }
  return "[" + json + "]";
}

std::string directionJson(const bmojo::Operator& op, bmojo::Direction direction) {
  const bmojo::Ports ports = portsOf(op, direction);
  const char* cuda = cudaKernelOf(op, direction).symbol;
  return "{\"inputs\":" + portsJson(ports.inputs) + ",\"outputs\":" + portsJson(ports.outputs) +
         ",\"cuda\":" + (cuda == nullptr ? std::string("null") : quoted(cuda)) + "}";
}

std::string operatorJson(const bmojo::Operator& op) {
  std::string attributes, varying;
  for (const bmojo::Attribute& attribute : op.attributes) {
    std::string type = attribute.type;
    type = type[0] == '{' ? "string" : type.substr(0, type.find(' '));
    attributes += (attributes.empty() ? "" : ",");
    attributes += "{\"name\":" + quoted(attribute.name) + ",\"type\":" + quoted(type) + "}";
  }
  for (const char* name : op.varying) varying += (varying.empty() ? "" : ",") + quoted(name);
  return "{\"name\":" + quoted(op.name) + ",\"attributes\":[" + attributes + "],\"varying\":[" + varying +
         "],\"varyingType\":" + (op.varyingKind == bmojo::Kind::f32 ? "\"float32\"" : "\"int32\"") +
         ",\"forward\":" + directionJson(op, bmojo::Direction::forward) + ",\"backward\":" +
         (op.hasGradient ? directionJson(op, bmojo::Direction::backward) : std::string("null")) + "}";
}

std::string operatorsJson() {
  std::string json;
  for (size_t i = 0; i < bmojo::kRegistered; i++)
    json += (json.empty() ? "" : ",") + operatorJson(bmojo::operators()[i]);
  return "[" + json + "]";
}

napi_value setPoison(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  bool poisons = false;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) == napi_ok && count == 1 &&
      napi_get_value_bool(env, argument, &poisons) == napi_ok) {
    bmojo::setPoison(poisons);
  } else {
    napi_throw_type_error(env, nullptr, "setPoison: poisons must be true or false");
  }
  return nullptr;
}

/** TensorFlow's own list of the kernels of an op: the bytes of its KernelList. */
napi_value registeredKernels(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument, bytes;
  char name[128];
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok || count != 1 ||
      napi_get_value_string_utf8(env, argument, name, sizeof(name), nullptr) != napi_ok) {
    napi_throw_type_error(env, nullptr, "registeredKernels: op must be a string");
    return nullptr;
  }
  TF_Status* status = TF_NewStatus();
  TF_Buffer* list = TF_GetRegisteredKernelsForOp(name, status);
  const std::string problem = TF_GetCode(status) == TF_OK ? "" : TF_Message(status);
  TF_DeleteStatus(status);
  if (!problem.empty()) {
    napi_throw_error(env, nullptr, problem.c_str());
    return nullptr;
  }
  const napi_status made = napi_create_buffer_copy(env, list->length, list->data, nullptr, &bytes);
  TF_DeleteBuffer(list);
  return made == napi_ok ? bytes : nullptr;
}

napi_value init(napi_env env, napi_value exports) {
  try {
    bmojo::registerOperators();
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
    return nullptr;
  }
  const std::string json = operatorsJson();
  napi_value text, sources, threads, lanes, cuda, function;
  napi_create_string_utf8(env, json.data(), json.size(), &text);
  napi_create_string_utf8(env, bmojo::kSources, NAPI_AUTO_LENGTH, &sources);
  napi_create_int32(env, bmojo::threadCount(), &threads);
  napi_create_int32(env, bmojo::kLanes, &lanes);
  napi_get_boolean(env, bmojo::kHasCuda, &cuda);
  napi_set_named_property(env, exports, "operators", text);
  napi_set_named_property(env, exports, "sources", sources);
  napi_set_named_property(env, exports, "threads", threads);
  napi_set_named_property(env, exports, "lanes", lanes);
  napi_set_named_property(env, exports, "cuda", cuda);
  napi_create_function(env, "setPoison", NAPI_AUTO_LENGTH, setPoison, nullptr, &function);
  napi_set_named_property(env, exports, "setPoison", function);
  napi_create_function(env, "registeredKernels", NAPI_AUTO_LENGTH, registeredKernels, nullptr, &function);
  napi_set_named_property(env, exports, "registeredKernels", function);
  return exports;
}

}  // namespace

NAPI_MODULE(bmojo_ops, init)
