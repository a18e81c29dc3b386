// tfjs-node takes the TensorFlow.js that bmojo computes with, in the node_modules that this is installed below: a second copy
// would have tensors and backends of its own.
module.exports = require('../../../../@tensorflow/tfjs');
