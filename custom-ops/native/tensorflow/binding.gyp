# tfjs-node's binding and our operators; used by scripts/setup-tensorflow/build.mjs, which passes the variables.
{
  # 'none', 'nvcc' or 'emulated': the CUDA kernels that cuda_archive holds.
  'variables': {'cuda%': 'none', 'cuda_archive%': '', 'cuda_include%': '', 'cuda_libraries%': '', 'binding%': 'yes'},
  'target_defaults': {
    'include_dirs': ['<(tensorflow_include)'],
    'defines': ['NAPI_VERSION=8'],
    'cflags_cc!': ['-fno-exceptions', '-std=gnu++17', '-std=gnu++20'],
    'cflags_cc': ['-std=gnu++17', '-fexceptions'],
    'libraries': ['-L<(tensorflow_lib)', '<@(tensorflow_libraries)', '-Wl,-rpath,<(tensorflow_lib)'],
    'conditions': [['OS=="linux"', {'libraries': ['-lpthread']}]],
  },
  'targets': [
    {
      'target_name': 'tfjs_binding',
      'include_dirs': ['.'],
      'conditions': [
        ['binding=="yes"', {'sources': ['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc']}, {'type': 'none'}],
      ],
    },
    {
      'target_name': 'bmojo_ops',
      # Every op's op_tf.cc.
      'includes': ['custom-ops/native/tensorflow/sources.generated.gypi'],
      'include_dirs': ['custom-ops'],
      'sources': [
        'custom-ops/native/tensorflow/addon.cc',
        'custom-ops/native/tensorflow/operator.cc',
        'custom-ops/native/tensorflow/operators.cc',
        'custom-ops/native/tensorflow/operators.generated.cc',
        'custom-ops/native/tensorflow/plus.cc',
        'custom-ops/native/tensorflow/pool.cc',
        'custom-ops/native/tensorflow/register.cc',
        'custom-ops/native/tensorflow/shapes.cc',
      ],
      'cflags_cc': ['-O3', '-march=native', '-fno-math-errno', '-ffp-contract=fast', '-Wall', '-Wextra',
                    '-Wno-unused-function', '-Wno-unknown-pragmas'],
      'conditions': [
        ['cuda!="none"', {
          'sources': ['custom-ops/native/tensorflow/cuda-run.cc', 'custom-ops/native/tensorflow/stream.cc'],
          # NDEBUG: TensorFlow's headers then need nothing of its libraries.
          'defines': ['BMOJO_CUDA', 'NDEBUG'],
          'libraries': ['<(cuda_archive)'],
        }],
        ['cuda=="nvcc"', {
          'defines': ['GOOGLE_CUDA=1'],
          'include_dirs': ['<(cuda_include)'],
          'cflags_cc': ['-isystem', '<(tensorflow_include)', '-Wno-deprecated-declarations'],
          'libraries': ['<@(cuda_libraries)'],
        }],
        ['cuda=="emulated"', {'defines': ['BMOJO_EMULATED']}],
      ],
    },
  ],
}
